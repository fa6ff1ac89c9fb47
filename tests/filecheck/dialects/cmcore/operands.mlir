// RUN: cm-opt %s --split-input-file --verify-diagnostics

// Operands whose type the syntax does not repeat are defined above.

cmcore.network @main (@a) -> (@a) {
  polyhedral.array @a : tensor<8xf32>
  cmcore.program @P {
    // expected-error @below {{SSA value used before assignment}}
    cmcore.snoop %a from @Q {
    }
    %a = cmcore.buffer @a : memref<8xf32>
  }
}

// -----

cmcore.network @main (@a) -> (@a) {
  polyhedral.array @a : tensor<8xf32>
  cmcore.program @P {
    %a = cmcore.buffer @a : memref<8xf32>
    // expected-error @below {{%a has no result #1, only 1}}
    cmcore.snoop %a#1 from @Q {
    }
  }
}

// -----

cmcore.network @main (@a) -> (@a) {
  polyhedral.array @a : tensor<8xf32>
  cmcore.program @P {
    cmcore.credit @a from @Q {
      // expected-error @below {{Expected an operand.}}
      cmcore.release upto (7)
    }
  }
}

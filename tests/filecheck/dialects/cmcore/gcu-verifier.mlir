// RUN: cm-opt %s --split-input-file --verify-diagnostics

cmcore.network @main () -> () {
  cmcore.program @P gcu {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{@P is run by the global control unit}}
  cmcore.core @core0 runs @P at (0)
}

// -----

cmcore.network @main () -> () {
  // expected-error @below {{there is one global control unit: program @P on it has no cores}}
  cmcore.program @P gcu {
    cmcore.loop_nest (%p0) {
      %c0 = arith.constant 0 : index
      cmcore.fire(%p0, %c0)
    }
    cmcore.iteration [%p] (%i) {}
  }
}

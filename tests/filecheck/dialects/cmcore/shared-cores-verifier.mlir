// RUN: cm-opt %s --split-input-file --verify-diagnostics

// Cores that run several programs.

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{there is no cmcore.program @R}}
  cmcore.core @core0 runs [@P, @R] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{program @P is listed twice}}
  cmcore.core @core0 runs [@P, @Q, @P] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{a core of @Q has 0 coordinates, got [1]}}
  cmcore.core @core0 runs [@P, @Q[1]] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{the shares of `dpu` are 17 of 16 slots}}
  cmcore.core @core0 runs [@P dpu 5, @Q dpu 12 of 16] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{the share of `link` of @Q must be >= 1, got 0}}
  cmcore.core @core0 runs [@P, @Q link 0 of 16] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{shares need the number of slots that they are of: `of 16`}}
  cmcore.core @core0 runs [@P dpu 5, @Q dpu 11] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{no program has a share of the 16 slots}}
  cmcore.core @core0 runs [@P, @Q of 16] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{a table has 1 to 65536 slots, got 0}}
  cmcore.core @core0 runs [@P dpu 1, @Q of 0] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{@P has two shares of `dpu`}}
  cmcore.core @core0 runs [@P dpu 1 dpu 2, @Q of 16] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{expect symbol name}}
  cmcore.core @core0 runs [] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{expected a share (issue, dpu, sram or link), `of`, `,` or `]`}}
  cmcore.core @core0 runs [@P adc 1, @Q of 16] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.program @Q gcu {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{@Q is run by the global control unit}}
  cmcore.core @core0 runs [@P, @Q] at (0)
}

// -----

cmcore.network @main () -> () {
  // expected-error @below {{a core runs at least one program}}
  "cmcore.core"() <{sym_name = "core0", programs = [], position = array<i64: 0>}> : () -> ()
}

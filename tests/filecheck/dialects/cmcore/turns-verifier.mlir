// RUN: cm-opt %s --split-input-file --verify-diagnostics

// Cores that run the iterations of a program in turn.

// expected-error @below {{no core runs @P turn 1}}
cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.core @core0 runs @P turn 0 of 3 at (0)
  cmcore.core @core1 runs @P turn 2 of 3 at (1)
}

// -----

// expected-error @below {{two cores run @P turn 0}}
cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.core @core0 runs @P turn 0 of 2 at (0)
  cmcore.core @core1 runs @P turn 0 of 2 at (1)
}

// -----

// expected-error @below {{the cores of @P must have one number of turns: @core0 has 2, @core1 has 3}}
cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.core @core0 runs @P turn 0 of 2 at (0)
  cmcore.core @core1 runs @P turn 1 of 3 at (1)
}

// -----

// expected-error @below {{the cores of @P must have one number of turns: @core0 has 1, @core1 has 2}}
cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  cmcore.core @core0 runs @P at (0)
  cmcore.core @core1 runs @P turn 1 of 2 at (1)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{copies of @P on one core are ways of its crossbars, not turns}}
  cmcore.core @core0 runs [@P turn 0 of 2, @P turn 1 of 2] at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{a turn is a number below that of all turns, which is at least 2, got 2 of 2}}
  cmcore.core @core0 runs @P turn 2 of 2 at (0)
}

// -----

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{a turn is a number below that of all turns, which is at least 2, got 0 of 1}}
  cmcore.core @core0 runs @P turn 0 of 1 at (0)
}

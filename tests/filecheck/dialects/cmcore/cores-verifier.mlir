// RUN: cm-opt %s --split-input-file --verify-diagnostics

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest (%p) {}
    cmcore.iteration [%p] () {}
  }
  // expected-error @below {{a core of @P has 1 coordinate, got []}}
  cmcore.core @core0 runs @P at (0)
}

// -----

cmcore.network @main () -> () {
  // expected-error @below {{the loop nest must take 1 coordinate of cores, got 0}}
  cmcore.program @P {
    cmcore.loop_nest {}
    cmcore.iteration [%p] () {}
  }
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @b : tensor<1xf32>
  cmcore.program @P {
    // expected-error @below {{an automaton must take 1 coordinate of cores, got 2}}
    cmcore.credit @b from @Q (%p, %q) {}
    cmcore.loop_nest (%p) {}
    cmcore.iteration [%p] () {}
  }
  cmcore.program @Q {
    %b = cmcore.buffer @b : memref<1xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
}

// -----

cmcore.network @main () -> () {
  polyhedral.array @b : tensor<2xf32>
  cmcore.program @P {
    // expected-error @below {{`p0` is no coordinate of a core: there are none}}
    %b = cmcore.buffer @b storage #polyhedral.map<"[p0] -> { b[n, i] -> slot[i - p0] : 0 <= p0 < 2 }"> : memref<2xf32>
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
}

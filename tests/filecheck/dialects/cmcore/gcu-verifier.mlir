// RUN: cm-opt %s --split-input-file --verify-diagnostics

cmcore.network @main () -> () {
  cmcore.program @P gcu {
    cmcore.loop_nest {}
    cmcore.iteration () {}
  }
  // expected-error @below {{@P is run by the global control unit}}
  cmcore.core @core0 runs @P at (0)
}

// RUN: not cm-run %s --timing-only 2>&1 | filecheck %s

// CHECK: no-core.mlir:8:3: error: no core runs @Q

cmcore.network @main () -> () {
  cmcore.program @P { cmcore.loop_nest { cmcore.fire() } cmcore.iteration () {} }
  // The program that nobody runs.
  cmcore.program @Q { cmcore.loop_nest { cmcore.fire() } cmcore.iteration () {} }
  cmcore.core @core0 runs @P at (0)
}

// A program that no core runs was not refused before the run.
// RUN: not cm-run %s --timing-only 2>&1 | filecheck %s

// CHECK: program-without-core.mlir:9:3: error: no core runs @Q

cmcore.network @main () -> () {
  cmcore.program @P { cmcore.loop_nest { cmcore.fire() } cmcore.iteration () {} }
  // The program that nobody runs.
  cmcore.program @Q { cmcore.loop_nest { cmcore.fire() } cmcore.iteration () {} }
  cmcore.core @core0 runs @P at (0)
}

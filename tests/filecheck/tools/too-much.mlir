// RUN: not cm-run %s --timing-only 2>&1 | filecheck %s

// What does not fit in memory is an error in the input.
// CHECK: error: a control loop has 10^12 iterations in all; running it needs about {{.*}} TiB, more than {{.*}} (see --memory)

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %many = arith.constant 1000000000000 : index
      scf.for %i = %c0 to %many step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {}
  }
  cmcore.core @core0 runs @P at (0)
}

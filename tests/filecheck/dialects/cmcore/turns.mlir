// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

// Cores that run the iterations of a program in turn.

cmcore.network @main () -> () {
  cmcore.program @P {
    cmcore.loop_nest (%p) {
      cmcore.fire(%p)
    }
    cmcore.iteration [%p] () {
      %c = arith.constant 0 : index
    }
  }
  cmcore.program @Q {
    cmcore.loop_nest {
      cmcore.fire()
    }
    cmcore.iteration () {
      %c = arith.constant 0 : index
    }
  }

  // CHECK: cmcore.core @core0 runs @P[0] turn 0 of 2 at (0)
  // GENERIC: "cmcore.core"() <{sym_name = "core0", programs = [#cmcore.instance<@P[0] turn 0 of 2>], position = array<i64: 0>}> : () -> ()
  cmcore.core @core0 runs @P[0] turn 0 of 2 at (0)
  // CHECK-NEXT: cmcore.core @core1 runs @P[0] turn 1 of 2 at (1) attributes {test.tag}
  cmcore.core @core1 runs @P[0] turn 1 of 2 at (1) attributes {test.tag}
  // CHECK-NEXT: cmcore.core @core2 runs [@P[1] turn 1 of 2, @Q turn 0 of 2 dpu 3 of 8] at (2)
  cmcore.core @core2 runs [@P[1] turn 1 of 2, @Q turn 0 of 2 dpu 3 of 8] at (2)
  // CHECK-NEXT: cmcore.core @core3 runs [@Q turn 1 of 2 dpu 3, @P[1] turn 0 of 2 of 8] at (3)
  cmcore.core @core3 runs [@Q turn 1 of 2 dpu 3, @P[1] turn 0 of 2 of 8] at (3)
}

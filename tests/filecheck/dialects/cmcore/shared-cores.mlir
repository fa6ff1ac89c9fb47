// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

// Cores that run several programs, with and without shares of their resources.

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
  cmcore.program @R {
    cmcore.loop_nest {
      cmcore.fire()
    }
    cmcore.iteration () {
      %c = arith.constant 0 : index
    }
  }

  // CHECK: cmcore.core @core0 runs [@P[0] dpu 5 link 2, @Q dpu 11 link 14 of 16] at (0, 3)
  // GENERIC: "cmcore.core"() <{sym_name = "core0", programs = [#cmcore.instance<@P[0] dpu 5 link 2>, #cmcore.instance<@Q dpu 11 link 14>], slots = 16 : i64, position = array<i64: 0, 3>}> : () -> ()
  cmcore.core @core0 runs [@P[0] link 2 dpu 5, @Q dpu 11 link 14 of 16] at (0, 3)
  // CHECK-NEXT: cmcore.core @core1 runs [@P[1], @P[2] issue 1 sram 1 of 1] at (0, 4) attributes {test.tag}
  cmcore.core @core1 runs [@P[1], @P[2] issue 1 sram 1 of 1] at (0, 4) attributes {test.tag}
  // CHECK-NEXT: cmcore.core @core2 runs [@P[3], @P[4]] at (0, 5)
  cmcore.core @core2 runs [@P[3], @P[4]] at (0, 5)
  // A list of one is printed as one.
  // CHECK-NEXT: cmcore.core @core3 runs @R at (0, 6)
  cmcore.core @core3 runs [@R] at (0, 6)
  // CHECK-NEXT: cmcore.core @core4 runs [@P[5] dpu 2 of 3] at (0, 7)
  cmcore.core @core4 runs [@P[5] dpu 2 of 3] at (0, 7)
}

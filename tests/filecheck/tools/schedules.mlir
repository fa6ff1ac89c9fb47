// RUN: cm-run %S/../textbook.mlir --random 0 --schedules 6 --quiet | filecheck %s --check-prefix=RIGHT
// RUN: cm-run %S/../textbook.mlir --timing-only --schedules 3 --seed 7 --quiet | filecheck %s --check-prefix=TIMING
// RUN: not cm-run %s --random 0 --schedules 6 --quiet 2>&1 | filecheck %s --check-prefix=WRONG
// RUN: not cm-run %s --random 0 --seed 1 2>&1 | filecheck %s --check-prefix=SEED
// RUN: not cm-run %S/../textbook.mlir --buffer-curve --schedules 1 2>&1 | filecheck %s --check-prefix=CURVE

// RIGHT: schedules: 6 random and adversarial, no violation
// TIMING: schedules: 3 random and adversarial, no violation
// WRONG: schedules.mlir: error: schedule {{[0-9]}} ({{[a-z ]+}}): iteration ({{[0-9]}},) of @read in inference 0 reads @b and finds b[{{[0-9]}}] of inference 0 in the slot of b[{{[0-9]}}] of inference 0
// SEED: error: --seed needs --schedules
// CURVE: error: --buffer-curve runs nothing: it has no schedules

// There are two slots, so the writer may be two elements ahead, and not four as it is at the start.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @c : tensor<4xf32>
  cmcore.program @write {
    %a = cmcore.buffer @a : memref<4xf32>
    cmcore.credit @b from @read {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c3 = arith.constant 3 : index
      cmcore.release upto (%c3) ahead %c0
      scf.for %i = %c0 to %c2 step %c1 {
        %next = arith.addi %i, %c2 : index
        cmcore.release at (%i) upto (%next) ahead %c0
      }
      scf.for %j = %c0 to %c2 step %c1 {
        %last = arith.addi %j, %c2 : index
        cmcore.release at (%last) upto (%j) ahead %c1
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %a at #polyhedral.map<"{ [write[i] -> lane[0]] -> a[i] : 0 <= i <= 3 }"> : vector<1xf32>
      cmcore.store %x, @b #polyhedral.map<"{ [write[i] -> lane[0]] -> b[i] : 0 <= i <= 3 }"> : vector<1xf32>
    }
  }
  cmcore.program @read {
    %b = cmcore.buffer @b storage #polyhedral.map<"{ b[n, i] -> slot[o] : (i - o) mod 2 = 0 and 0 <= o <= 1 }"> : memref<2xf32>
    cmcore.snoop %b from @write {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.release at (%i) upto (%i)
      }
    }
    cmcore.loop_nest {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c4 = arith.constant 4 : index
      scf.for %i = %c0 to %c4 step %c1 {
        cmcore.fire(%i)
      }
    }
    cmcore.iteration (%i) {
      %x = cmcore.load %b at #polyhedral.map<"{ [read[i] -> lane[0]] -> b[i] : 0 <= i <= 3 }"> : vector<1xf32>
      cmcore.store %x, @c #polyhedral.map<"{ [read[i] -> lane[0]] -> c[i] : 0 <= i <= 3 }"> : vector<1xf32>
    }
  }
  cmcore.core @core0 runs @write at (0)
  cmcore.core @core1 runs @read at (1)
}

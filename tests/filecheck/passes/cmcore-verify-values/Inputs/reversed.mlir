// conv2 reads its window back to front.
cmcore.network @main (@a) -> (@c) {
  polyhedral.array @a : tensor<1x10xf32>
  polyhedral.array @b : tensor<1x8xf32>
  polyhedral.array @w1 parameter dense<[[[1.000000e+00, 2.000000e+00, 3.000000e+00]]]> : tensor<1x1x3xf32>
  polyhedral.array @c : tensor<1x6xf32>
  polyhedral.array @w2 parameter dense<[[[1.000000e+00, 0.000000e+00, -1.000000e+00]]]> : tensor<1x1x3xf32>
  cmcore.program @conv1 {
    %a = cmcore.buffer @a : memref<1x10xf32>
    %w1 = cmcore.crossbar @w1 #polyhedral.map<"{ cell[row = 0, col] -> w1[0, 0, col] : 0 <= col <= 2 }"> : tensor<1x3xf32>
    cmcore.credit @b from @conv2 {
      %c0 = arith.constant 0 : index
      %c7 = arith.constant 7 : index
      %c5 = arith.constant 5 : index
      %c1 = arith.constant 1 : index
      cmcore.release upto (%c7) ahead %c0
      scf.for %i0 = %c0 to %c5 step %c1 {
        cmcore.release at (%i0) upto (%i0) ahead %c1
      }
      cmcore.release at (%c5) upto (%c7) ahead %c1
    }
    cmcore.loop_nest {
      %c0_1 = arith.constant 0 : index
      %c8 = arith.constant 8 : index
      %c1_1 = arith.constant 1 : index
      scf.for %i0_1 = %c0_1 to %c8 step %c1_1 {
        cmcore.fire(%i0_1)
      }
    }
    cmcore.iteration (%w) {
      %a_1 = cmcore.load %a at #polyhedral.map<"{ [conv1[w] -> lane[c = 0, kw]] -> a[0, w + kw] : 0 <= w <= 7 and 0 <= kw <= 9 - w and kw <= 2 }"> : vector<1x3xf32>
      %b = cmcore.mxv %w1, %a_1 : tensor<1x3xf32>, vector<1x3xf32> -> vector<1xf32>
      cmcore.store %b, @b #polyhedral.map<"{ [conv1[w] -> lane[c = 0]] -> b[0, w] : 0 <= w <= 7 }"> : vector<1xf32>
    }
  }
  cmcore.program @conv2 {
    %b = cmcore.buffer @b : memref<1x8xf32>
    %w2 = cmcore.crossbar @w2 #polyhedral.map<"{ cell[row = 0, col] -> w2[0, 0, col] : 0 <= col <= 2 }"> : tensor<1x3xf32>
    cmcore.snoop %b from @conv1 {
      %c2 = arith.constant 2 : index
      %c8 = arith.constant 8 : index
      %c1 = arith.constant 1 : index
      %c0 = arith.constant 0 : index
      scf.for %i0 = %c2 to %c8 step %c1 {
        %0 = arith.subi %i0, %c2 : index
        cmcore.release at (%c0, %i0) upto (%0)
      }
    }
    cmcore.loop_nest {
      %c0_1 = arith.constant 0 : index
      %c6 = arith.constant 6 : index
      %c1_1 = arith.constant 1 : index
      scf.for %i0_1 = %c0_1 to %c6 step %c1_1 {
        cmcore.fire(%i0_1)
      }
    }
    cmcore.iteration (%w) {
      %b_1 = cmcore.load %b at #polyhedral.map<"{ [conv2[w] -> lane[c = 0, kw]] -> b[0, 2 + w - kw] : 0 <= w <= 5 and 0 <= kw <= 7 - w and kw <= 2 }"> : vector<1x3xf32>
      %c = cmcore.mxv %w2, %b_1 : tensor<1x3xf32>, vector<1x3xf32> -> vector<1xf32>
      cmcore.store %c, @c #polyhedral.map<"{ [conv2[w] -> lane[c = 0]] -> c[0, w] : 0 <= w <= 5 }"> : vector<1xf32>
    }
  }
  cmcore.core @core0 runs @conv1 at (0)
  cmcore.core @core1 runs @conv2 at (1)
}


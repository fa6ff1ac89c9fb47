// A stencil along diagonals: two steps of y[h, w] = tanh(¼ x[h-1, w-1] + ½ x[h, w] + ¼ x[h+1, w+1]), for 4 channels at
// once. A convolution would multiply by the six zeros around the diagonal; the relation reads only the diagonal.
// Outside the image, lanes read the pad value, -1.
//
//   cm-run examples/custom/diagonal_stencil.mlir --random 0 -n 3 --check

polyhedral.pipeline @main (@x) -> (@y) {
  polyhedral.array @x : tensor<4x16x16xf32>
  polyhedral.array @b : tensor<4x16x16xf32>
  polyhedral.array @y : tensor<4x16x16xf32>

  polyhedral.stage @first (%h, %w) domain #polyhedral.set<"{ first[h, w] : 0 <= h < 16 and 0 <= w < 16 }"> {
    %v = polyhedral.read @x #polyhedral.map<"{ [first[h, w] -> lane[d, c]] -> x[c, h + d - 1, w + d - 1] : 0 <= h < 16 and 0 <= w < 16 and 0 <= d < 3 and 0 <= c < 4 and 0 < h + d <= 16 and 0 < w + d <= 16 }"> pad -1.0 : vector<3x4xf32>
    %weights = arith.constant dense<[[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.5, 0.5], [0.25, 0.25, 0.25, 0.25]]> : vector<3x4xf32>
    %terms = arith.mulf %v, %weights : vector<3x4xf32>
    %sum = cmcore.reduce add %terms along [0] : vector<3x4xf32> -> vector<4xf32>
    %r = math.tanh %sum : vector<4xf32>
    polyhedral.write %r, @b #polyhedral.map<"{ [first[h, w] -> lane[c]] -> b[c, h, w] : 0 <= h < 16 and 0 <= w < 16 and 0 <= c < 4 }"> : vector<4xf32>
  }

  // The same, with the three points read apart: how it is computed is up to the body.
  polyhedral.stage @second (%h, %w) domain #polyhedral.set<"{ second[h, w] : 0 <= h < 16 and 0 <= w < 16 }"> {
    %a = polyhedral.read @b #polyhedral.map<"{ [second[h, w] -> lane[c]] -> b[c, h - 1, w - 1] : 0 < h < 16 and 0 < w < 16 and 0 <= c < 4 }"> pad -1.0 : vector<4xf32>
    %m = polyhedral.read @b #polyhedral.map<"{ [second[h, w] -> lane[c]] -> b[c, h, w] : 0 <= h < 16 and 0 <= w < 16 and 0 <= c < 4 }"> : vector<4xf32>
    %z = polyhedral.read @b #polyhedral.map<"{ [second[h, w] -> lane[c]] -> b[c, h + 1, w + 1] : 0 <= h < 15 and 0 <= w < 15 and 0 <= c < 4 }"> pad -1.0 : vector<4xf32>
    %half = arith.constant dense<0.5> : vector<4xf32>
    %quarter = arith.constant dense<0.25> : vector<4xf32>
    %ends = arith.addf %a, %z : vector<4xf32>
    %middle = arith.mulf %m, %half : vector<4xf32>
    %sum = vector.fma %ends, %quarter, %middle : vector<4xf32>
    %r = math.tanh %sum : vector<4xf32>
    polyhedral.write %r, @y #polyhedral.map<"{ [second[h, w] -> lane[c]] -> y[c, h, w] : 0 <= h < 16 and 0 <= w < 16 and 0 <= c < 4 }"> : vector<4xf32>
  }
}

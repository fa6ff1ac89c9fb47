// A reader that traverses a matrix in blocks of its transpose and computes with its own coordinates: y is the
// transpose of b with the blocks off the diagonal halved, 4x4 elements per iteration. The writer goes by rows, the
// reader by blocks of columns. The relations determine how long the reader waits, in this and in any other order.
//
//   cm-run examples/custom/transposing_reader.mlir --random 0 -n 3 --check
//
// In the order of rows of blocks, the reader need not wait for all of b:
//
//   cm-opt examples/custom/transposing_reader.mlir -p 'polyhedral-schedule{stage=transpose interchange=1,0}' -o rows.mlir
//   cm-run rows.mlir --random 0 -n 3 --check

polyhedral.pipeline @main (@x) -> (@y) {
  polyhedral.array @x : tensor<12x16xf32>
  polyhedral.array @b : tensor<12x16xf32>
  polyhedral.array @y : tensor<16x12xf32>

  // A row at a time, without its mean.
  polyhedral.stage @centre (%r) domain #polyhedral.set<"{ centre[r] : 0 <= r < 12 }"> {
    %row = polyhedral.read @x #polyhedral.map<"{ [centre[r] -> lane[c]] -> x[r, c] : 0 <= r < 12 and 0 <= c < 16 }"> : vector<16xf32>
    %sum = vector.reduction <add>, %row : vector<16xf32> into f32
    %share = arith.constant 0.0625 : f32
    %mean = arith.mulf %sum, %share : f32
    %means = vector.broadcast %mean : f32 to vector<16xf32>
    %centred = arith.subf %row, %means : vector<16xf32>
    polyhedral.write %centred, @b #polyhedral.map<"{ [centre[r] -> lane[c]] -> b[r, c] : 0 <= r < 12 and 0 <= c < 16 }"> : vector<16xf32>
  }

  // Block (p, q) of the result, read transposed.
  polyhedral.stage @transpose (%p, %q) domain #polyhedral.set<"{ transpose[p, q] : 0 <= p < 4 and 0 <= q < 3 }"> {
    %v = polyhedral.read @b #polyhedral.map<"{ [transpose[p, q] -> lane[i, j]] -> b[4q + j, 4p + i] : 0 <= p < 4 and 0 <= q < 3 and 0 <= i < 4 and 0 <= j < 4 }"> : vector<4x4xf32>
    %half = arith.constant dense<0.5> : vector<4x4xf32>
    %halved = arith.mulf %v, %half : vector<4x4xf32>
    %diagonal = arith.cmpi eq, %p, %q : index
    %r = arith.select %diagonal, %v, %halved : vector<4x4xf32>
    polyhedral.write %r, @y #polyhedral.map<"{ [transpose[p, q] -> lane[i, j]] -> y[4p + i, 4q + j] : 0 <= p < 4 and 0 <= q < 3 and 0 <= i < 4 and 0 <= j < 4 }"> : vector<4x4xf32>
  }
}

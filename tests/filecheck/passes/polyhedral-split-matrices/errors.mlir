// RUN: not cm-opt %s -p 'polyhedral-split-matrices{rows=1 columns=4}' 2>&1 | filecheck %s --check-prefix=WIDE
// WIDE: errors.mlir:{{[0-9]+}}:3: error: an output with the 2 inputs of a channel of the matrix of @S does not fit the one crossbar of a core

// RUN: not cm-opt %s -p 'polyhedral-split-matrices{stage=S outputs=2}' 2>&1 | filecheck %s --check-prefix=MIXES
// MIXES: errors.mlir:{{[0-9]+}}:5: error: stage @S cannot be split into parts: cmcore.reduce mixes lanes

// RUN: not cm-opt %s -p 'polyhedral-split-matrices{stage=S inputs=4}' 2>&1 | filecheck %s --check-prefix=PARTS
// PARTS: error: the 3 inputs of @S do not divide into 4 parts of one size

// RUN: not cm-opt %s -p 'polyhedral-split-matrices{stage=T outputs=2}' 2>&1 | filecheck %s --check-prefix=STAGE
// STAGE: error: there is no stage @T

// RUN: not cm-opt %s -p 'polyhedral-split-matrices{rows=4}' 2>&1 | filecheck %s --check-prefix=WHAT
// WHAT: error: give the `hardware`, the `rows` and `columns` of a crossbar, or a `stage`

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<3x6xf32>
  polyhedral.array @w parameter dense<1.0> : tensor<2x6xf32>
  polyhedral.array @b : tensor<5xf32>
  polyhedral.stage @S (%m) domain #polyhedral.set<"{ S[m] : 0 <= m < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [S[m] -> lane[c, k]] -> a[c, m + k] : 0 <= m < 5 and 0 <= c < 3 and 0 <= k < 2 }"> : vector<3x2xf32>
    %w = polyhedral.matrix @w #polyhedral.map<"{ cell[row, col] -> w[row, col] }"> : tensor<2x6xf32>
    %y = cmcore.mxv %w, %x : tensor<2x6xf32>, vector<3x2xf32> -> vector<2xf32>
    %z = cmcore.reduce add %y along [0] : vector<2xf32> -> vector<f32>
    polyhedral.write %z, @b #polyhedral.map<"{ [S[m] -> lane[]] -> b[m] : 0 <= m < 5 }"> : vector<f32>
  }
}

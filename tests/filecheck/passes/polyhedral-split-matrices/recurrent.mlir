// Rows of gates and units are divided along the units. Each core reads the states that all cores have computed.
// RUN: cm-opt %s -p 'nn-outline-stages,convert-nn-to-polyhedral,polyhedral-split-matrices{rows=4 columns=8 crossbars=1}' 2>&1 | filecheck %s
// RUN: cm-opt %s -p 'nn-outline-stages,convert-nn-to-polyhedral,polyhedral-split-matrices{rows=4 columns=8 crossbars=1},polyhedral-derive-dependences' 2>&1 | filecheck %s --check-prefix=DEPS
// RUN: cm-opt %s -p 'nn-outline-stages,convert-nn-to-polyhedral,polyhedral-split-matrices{rows=2 columns=8 crossbars=1}' 2>&1 | filecheck %s --check-prefix=INPUTS
// RUN: not cm-opt %s -p 'nn-outline-stages,convert-nn-to-polyhedral,polyhedral-split-matrices{rows=4 columns=3 crossbars=1}' 2>&1 | filecheck %s --check-prefix=SMALL

// CHECK: remark: the 16×4 matrix of @lstm1 is split into 2 by outputs
// CHECK: remark: each of the 2 matrices of @gru1 gets a stage: together they take 2 crossbars
// CHECK-LABEL: polyhedral.pipeline @lstm
// CHECK: polyhedral.stage @lstm1 [%o] (%t) domain
// CHECK-NEXT: %x = polyhedral.read @x #polyhedral.map<"{ [lstm1[o, t] -> lane[g, u]] -> x[t, 2o + 4g + u] : 0 <= o <= 1 and 0 <= t <= 4 and 0 <= g <= 3 and 0 <= u <= 1 }"> : vector<4x2xf32>
// CHECK-NEXT: %w = polyhedral.matrix @w #polyhedral.map<"[p0] -> { cell[row, col] -> w[{{.*}}, col] :{{.*}}}"> : tensor<8x4xf32>
// CHECK-NEXT: polyhedral.read @h #polyhedral.map<"{ [lstm1[o, t] -> lane[u]] -> h[-1 + t, u] : 0 <= o <= 1 and 0 < t <= 4 and 0 <= u <= 3 }"> : vector<4xf32>
// CHECK-NEXT: polyhedral.read @c #polyhedral.map<"{ [lstm1[o, t] -> lane[u]] -> c[-1 + t, 2o + u] : 0 <= o <= 1 and 0 < t <= 4 and 0 <= u <= 1 }"> : vector<2xf32>
// CHECK-NEXT: cmcore.mxv %w, %{{.*}} : tensor<8x4xf32>, vector<4xf32> -> vector<4x2xf32>
// CHECK: polyhedral.write %h, @h #polyhedral.map<"{ [lstm1[o, t] -> lane[u]] -> h[t, 2o + u] :
// CHECK-LABEL: polyhedral.pipeline @gru
// CHECK: polyhedral.stage @gru1_product (%t)
// CHECK: polyhedral.read @h
// CHECK: polyhedral.write %{{.*}}, @gru1_product_out
// CHECK: polyhedral.stage @gru1 (%t)
// CHECK: polyhedral.read @h
// CHECK: polyhedral.read @gru1_product_out
// CHECK: cmcore.mxv %v
// CHECK-NOT: cmcore.mxv

// The other core's units of h; of c, each core reads only its own.

// DEPS: polyhedral.dependence raw @lstm1 -> @lstm1 on @h release #polyhedral.map<
// DEPS: polyhedral.dependence war @lstm1 -> @lstm1 on @h release #polyhedral.map<
// DEPS: polyhedral.dependence raw @lstm1 -> @lstm1 on @c release #polyhedral.map<

// INPUTS: remark: the 16×4 matrix of @lstm1 is split into 2 by outputs and 2 by inputs, added up by @lstm1
// INPUTS: polyhedral.stage @lstm1_partial [%q, %o] (%t)
// INPUTS: polyhedral.read @h #polyhedral.map<"{ [lstm1_partial[q, o, t] -> lane[u]] -> h[-1 + t, 2q + u] :
// INPUTS: polyhedral.stage @lstm1 (%t)
// INPUTS: cmcore.reduce add %{{.*}} along [0] : vector<2x4x4xf32> -> vector<4x4xf32>

// SMALL: error: a unit of 4 outputs with the 1 input of a channel of the matrix of @lstm1 does not fit the one crossbar of a core


func.func @lstm(%x: tensor<5x16xf32>) -> tensor<5x4xf32> {
  %w = nn.parameter "w" : tensor<16x4xf32>
  %h, %c = nn.lstm %x, %w : (tensor<5x16xf32>, tensor<16x4xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>)
  func.return %h : tensor<5x4xf32>
}
func.func @gru(%x: tensor<5x12xf32>) -> tensor<5x4xf32> {
  %w = nn.parameter "w" : tensor<8x4xf32>
  %v = nn.parameter "v" : tensor<4x4xf32>
  %h = nn.gru %x, %w candidate %v : (tensor<5x12xf32>, tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<5x4xf32>
  func.return %h : tensor<5x4xf32>
}

// An iteration reads all that an index may select, and selects in its body.
// RUN: cm-opt %s -p nn-outline-stages,convert-nn-to-polyhedral | filecheck %s

// CHECK-LABEL: polyhedral.pipeline @rows
// CHECK: polyhedral.stage @take1 (%i0) domain #polyhedral.set<"{ take1[i0] : 0 <= i0 <= 4 }"> {
// CHECK-NEXT: %table = polyhedral.read @table #polyhedral.map<"{ [take1[i0] -> lane[v, b0]] -> table[v, b0] : 0 <= i0 <= 4 and 0 <= v <= 19 and 0 <= b0 <= 5 }"> : vector<20x6xf32>
// CHECK-NEXT: %t = polyhedral.read @t #polyhedral.map<"{ [take1[i0] -> lane[]] -> t[i0] : 0 <= i0 <= 4 }"> : vector<i64>
// CHECK-NEXT: %y = cmcore.pick %table at %t : vector<20x6xf32>, vector<i64> -> vector<6xf32>
// CHECK-NEXT: polyhedral.write %y, @y #polyhedral.map<"{ [take1[i0] -> lane[b0]] -> y[i0, b0] : 0 <= i0 <= 4 and 0 <= b0 <= 5 }"> : vector<6xf32>
func.func @rows(%t: tensor<5xi64>) -> tensor<5x6xf32> {
  %table = nn.parameter "table" : tensor<20x6xf32>
  %y = nn.take %table, %t {axis = 0} : (tensor<20x6xf32>, tensor<5xi64>) -> tensor<5x6xf32>
  func.return %y : tensor<5x6xf32>
}

// With no dimension after the axis, all indices select at once, from one row after the other.
// CHECK-LABEL: polyhedral.pipeline @elements
// CHECK: cmcore.convert %{{.*}} wrapping : vector<5xi64> -> vector<5xi32>
// CHECK: polyhedral.stage @take1 (%a0) domain
// CHECK: cmcore.pick %x at %{{.*}} : vector<8xf32>, vector<5xi32> -> vector<5xf32>
// CHECK-NEXT: polyhedral.write %{{.*}}, @y #polyhedral.map<"{ [take1[a0] -> lane[i0]] -> y[a0, i0] :
func.func @elements(%x: tensor<3x8xf32>, %t: tensor<5xi64>) -> tensor<3x5xf32> {
  %i = nn.cast %t : (tensor<5xi64>) -> tensor<5xi32>
  %y = nn.take %x, %i {axis = 1} : (tensor<3x8xf32>, tensor<5xi32>) -> tensor<3x5xf32>
  func.return %y : tensor<3x5xf32>
}

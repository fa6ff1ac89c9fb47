// A stage writes no output that lacks elements which later inferences read.
// RUN: cm-opt %s -p nn-outline-stages 2>/dev/null | filecheck %s

// CHECK-LABEL: func.func @main(
// CHECK: %[[ALL:.*]] = nn.stage @relu1(
// CHECK: %[[ONE:.*]] = nn.slice %[[ALL]] {ends = [1]}
// CHECK: %[[COPY:.*]] = nn.stage @copy1(%{{.*}} = %[[ONE]] :
// CHECK: func.return %{{.*}}, %[[COPY]] :
func.func @main(%s: tensor<2xf32> {nn.carried_from = 0 : index, nn.initial = dense<[1.0, 2.0]> : tensor<2xf32>}) -> (tensor<2xf32>, tensor<1xf32>) {
  %all = nn.relu %s : (tensor<2xf32>) -> tensor<2xf32>
  %next = nn.slice %all {starts = [0], ends = [2]} : (tensor<2xf32>) -> tensor<2xf32>
  %one = nn.slice %all {starts = [0], ends = [1]} : (tensor<2xf32>) -> tensor<1xf32>
  func.return %next, %one : tensor<2xf32>, tensor<1xf32>
}

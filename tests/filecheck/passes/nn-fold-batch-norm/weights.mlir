// RUN: cm-opt %s -p nn-fold-batch-norm --weights %S/Inputs/weights.safetensors --output-weights %t.safetensors -o %t.mlir
// RUN: filecheck %s --input-file %t.mlir
// RUN: cm-opt %t.mlir --weights %t.safetensors -p canonicalize -o /dev/null
// RUN: cm-run %t.mlir --weights %t.safetensors --random 0 --check -n 2 --quiet

// A parameter of the weights file gets a new name there; the old one is not the IR's any more. One that is written
// in place stays in place.

// CHECK: [[W:%.+]] = nn.parameter "w.folded" : tensor<1x1x1xf32>
// CHECK-NEXT: [[B:%.+]] = nn.parameter dense<-1.000000e+00> : tensor<1xf32>
// CHECK-NEXT: nn.conv %x, [[W]] bias [[B]]
// CHECK-NOT: nn.batch_norm
func.func @main(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = nn.parameter "w" : tensor<1x1x1xf32>
  %scale = nn.parameter "scale" : tensor<1xf32>
  %one = nn.parameter dense<1.0> : tensor<1xf32>
  %c = nn.conv %x, %w : (tensor<1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x4xf32>
  %y = nn.batch_norm %c, %scale, %one, %one, %one {epsilon = 0.0} : (tensor<1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4xf32>
  func.return %y : tensor<1x4xf32>
}

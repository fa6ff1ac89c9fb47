// IR at the cmcore level is compared with what it was compiled from: nn IR, IR at the polyhedral level, or an ONNX model.

// RUN: cm-opt %s -p nn-to-polyhedral -o %t.polyhedral.mlir
// RUN: cm-opt %s -p nn-to-cmcore -o %t.mlir
// RUN: cm-run %t.mlir --random 0 -n 2 --check-against %s | filecheck %s --check-prefix=EQUAL
// RUN: cm-run %t.mlir --random 0 -n 2 --check-against %t.polyhedral.mlir | filecheck %s --check-prefix=EQUAL

// Or with the nn IR that it names.
// RUN: cm-opt %s -p nn-to-cmcore --output-source -o %t.named.mlir
// RUN: cm-run %t.named.mlir --random 0 -n 2 --check | filecheck %s --check-prefix=EQUAL

// EQUAL: check: equal to NumPy in all 2 inferences

// RUN: not cm-run %t.mlir --random 0 --check 2>&1 | filecheck %s --check-prefix=NONE
// RUN: not cm-run %t.mlir --random 0 --check-against %t.mlir 2>&1 | filecheck %s --check-prefix=LEVEL
// RUN: not cm-run %s --random 0 --check-with onnxruntime 2>&1 | filecheck %s --check-prefix=ONNX
// RUN: not cm-run %s --timing-only --check-against %s 2>&1 | filecheck %s --check-prefix=TIMING

// NONE: error: --check of IR at the cmcore level needs what the IR was compiled from:
// LEVEL: error: --check needs an ONNX model, or IR with one func.func or polyhedral.pipeline; it has cmcore.network
// ONNX: error: --check-with onnxruntime needs an ONNX model: run one, or name
// TIMING: error: --timing-only runs no data

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x8xf32> {
  %w = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  func.return %b : tensor<1x8xf32>
}

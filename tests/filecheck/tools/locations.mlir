// RUN: cm-opt %s --print-debuginfo | filecheck %s
// RUN: cm-opt %s --print-debuginfo --split-input-file | filecheck %s

// CHECK: func.func @f(%a: i32 loc("{{.*}}locations.mlir":[[# @LINE + 1]]:14)
func.func @f(%a: i32) -> i32 {
  // CHECK-NEXT: arith.addi %a, %a : i32 loc("{{.*}}locations.mlir":[[# @LINE + 1]]:3)
  %b = arith.addi %a, %a : i32
  // CHECK-NEXT: arith.addi %b, %a : i32 loc("model.onnx":12:3)
  %c = arith.addi %b, %a : i32 loc("model.onnx":12:3)
  func.return %c : i32
}

// -----

// CHECK: func.func @g
func.func @g() {
  // CHECK-NEXT: func.return loc("{{.*}}locations.mlir":[[# @LINE + 1]]:3)
  func.return
}

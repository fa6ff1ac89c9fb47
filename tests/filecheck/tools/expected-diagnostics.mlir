// RUN: cm-opt %s --split-input-file --verify-diagnostics
// RUN: not cm-opt %s --split-input-file --print-op-on-diagnostic 2>&1 | filecheck %s

// What an expectation can say about place and text.

// CHECK: [[# @LINE + 4]]:3: error: 'arith.addi' op
// CHECK-NEXT: [[# @LINE + 3]]:3: note: see current operation: %{{.+}} = "arith.addi"(%{{.+}}, %{{.+}}) {{.+}} : (i32, i32) -> i64
// expected-error-re @+2 {{'arith.{{add|sub}}i' op {{.+}} expected}}
func.func @offset(%a: i32) {
  %c = "arith.addi"(%a, %a) : (i32, i32) -> i64
  func.return
}

// -----

func.func @above(%a: i32) {
  %c = "arith.addi"(%a, %a) : (i32, i32) -> i64
  // expected-error @above {{'arith.addi' op}}
  func.return
}

// -----

func.func @below(%a: i32) {
  // expected-error @below {{'arith.addi' op}}
  %c = "arith.addi"(%a, %a) : (i32, i32) -> i64
  func.return
}

// -----

func.func @behind(%a: i32) {
  %c = "arith.addi"(%a, %a) : (i32, i32) -> i64
  // expected-error @-1 {{'arith.addi' op}}
  func.return
}

// RUN: cm-opt %s --newname-merge-maxima | filecheck %s
// RUN: cm-opt %s --newname-merge-maxima=most=3 | filecheck %s --check-prefix=MOST
// RUN: cm-opt %s --newname-merge-maxima --pass-statistics 2>&1 | filecheck %s --check-prefix=COUNT

// CHECK: func.func @main
// CHECK-NEXT: %z = newname.running_max %x {width = 4} :
// CHECK-NEXT: func.return %z

// MOST: newname.running_max %x :
// MOST-NEXT: newname.running_max %y {width = 3} :

// COUNT: (S) 1 maxima merged

func.func @main(%x: tensor<2x9xf32>) -> tensor<2x6xf32> {
  %y = newname.running_max %x : (tensor<2x9xf32>) -> tensor<2x8xf32>
  %z = newname.running_max %y {width = 3} : (tensor<2x8xf32>) -> tensor<2x6xf32>
  func.return %z : tensor<2x6xf32>
}

// RUN: cm-opt %s --split-input-file -p nn-outline-stages --verify-diagnostics

func.func @foreign(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{arith.addf cannot become part of a stage}}
  %y = arith.addf %x, %x : tensor<4xf32>
  %r = nn.relu %y : (tensor<4xf32>) -> tensor<4xf32>
  func.return %r : tensor<4xf32>
}

// -----

// expected-error @below {{network @blocks must be one block that ends in func.return}}
func.func @blocks(%x: tensor<4xf32>) -> tensor<4xf32> {
  cf.br ^end(%x : tensor<4xf32>)
^end(%y: tensor<4xf32>):
  func.return %y : tensor<4xf32>
}

// -----

// expected-error @below {{argument of network @scalar: expected a tensor with a static shape, got i32}}
func.func @scalar(%i: i32) {
  func.return
}

// -----

// expected-error @below {{argument of network @dynamic: expected a tensor with a static shape, got tensor<?xf32>}}
func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xf32> {
  func.return %x : tensor<?xf32>
}

// -----

// A declaration is no network.
func.func private @elsewhere(i32) -> i32

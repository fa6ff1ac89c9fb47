// RUN: cm-opt %s --split-input-file -p convert-nn-to-polyhedral --verify-diagnostics

func.func @not_outlined(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{nn.relu is not part of a stage: run nn-outline-stages first}}
  %r = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  func.return %r : tensor<4xf32>
}

// -----

func.func @input_returned(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{run nn-outline-stages first}}
  func.return %x : tensor<4xf32>
}

// -----

func.func @nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{stage @s contains no computation}}
  %y = nn.stage @s(%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    nn.yield %a : tensor<4xf32>
  }
  func.return %y : tensor<4xf32>
}

// -----

func.func @passes_through(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y, %z = nn.stage @s(%a = %x : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
    %s = nn.relu %a : (tensor<4xf32>) -> tensor<4xf32>
    // expected-error @below {{stage @s yields a value that no operator in it computes}}
    nn.yield %s, %a : tensor<4xf32>, tensor<4xf32>
  }
  func.return %y, %z : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @two_roots(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %y = nn.stage @s(%a = %x : tensor<4x4xf32>) -> (tensor<4x4xf32>) {
    %w = nn.parameter "w" : tensor<4x4x1xf32>
    %r = nn.conv %a, %w : (tensor<4x4xf32>, tensor<4x4x1xf32>) -> tensor<4x4xf32>
    // expected-error @below {{nn.conv cannot follow nn.conv in a stage}}
    %q = nn.conv %r, %w : (tensor<4x4xf32>, tensor<4x4x1xf32>) -> tensor<4x4xf32>
    nn.yield %q : tensor<4x4xf32>
  }
  func.return %y : tensor<4x4xf32>
}

// -----

func.func @foreign(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.stage @s(%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %r = arith.addf %a, %a : tensor<4xf32>
    // expected-error @below {{no stage computes an operand of nn.relu}}
    %s = nn.relu %r : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %s : tensor<4xf32>
  }
  func.return %y : tensor<4xf32>
}

// -----

func.func @computed_weight(%x: tensor<1x4xf32>, %w: tensor<1x1x3xf32>) -> tensor<1x2xf32> {
  %y = nn.stage @s(%a = %x : tensor<1x4xf32>, %b = %w : tensor<1x1x3xf32>) -> (tensor<1x2xf32>) {
    // expected-error @below {{the weight of nn.conv must be a parameter}}
    %c = nn.conv %a, %b : (tensor<1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x2xf32>
    nn.yield %c : tensor<1x2xf32>
  }
  func.return %y : tensor<1x2xf32>
}

// -----

func.func @padded_weight(%x: tensor<1x4xf32>) -> tensor<1x2xf32> {
  %y = nn.stage @s(%a = %x : tensor<1x4xf32>) -> (tensor<1x2xf32>) {
    %w = nn.parameter "w" : tensor<1x1x2xf32>
    %p = nn.pad %w {pads = [0, 0, 0, 0, 0, 1]} : (tensor<1x1x2xf32>) -> tensor<1x1x3xf32>
    // expected-error @below {{a matrix on crossbars must have all its elements from one parameter: fold padding and concatenation into the weights}}
    %c = nn.conv %a, %p : (tensor<1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x2xf32>
    nn.yield %c : tensor<1x2xf32>
  }
  func.return %y : tensor<1x2xf32>
}

// -----

func.func @pads(%x: tensor<1x4xf32>) -> tensor<1x6xf32> {
  %p = nn.pad %x {pads = [0, 1, 0, 1], value = 1.0} : (tensor<1x4xf32>) -> tensor<1x6xf32>
  %y = nn.stage @s(%a = %p : tensor<1x6xf32>) -> (tensor<1x6xf32>) {
    // expected-error @below {{run nn-outline-stages, which inserts a copy}}
    %m = nn.max_pool %a {kernel = [3], pads = [1, 1]} : (tensor<1x6xf32>) -> tensor<1x6xf32>
    nn.yield %m : tensor<1x6xf32>
  }
  func.return %y : tensor<1x6xf32>
}

// -----

// expected-error @below {{argument of network @scalar: expected a tensor with a static shape, got i32}}
func.func @scalar(%i: i32) {
  func.return
}

// -----

func.func @state(%s: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = "s"}) -> (tensor<3xf32>, tensor<3xf32>) {
  %y = nn.stage @relu1(%a = %s : tensor<3xf32>) -> (tensor<3xf32>) {
    %b = nn.relu %a : (tensor<3xf32>) -> tensor<3xf32>
    nn.yield %b : tensor<3xf32>
  }
  // expected-error @below {{carried result 1 cannot be read by later inferences: it has elements that only ever are its own: run nn-outline-stages first}}
  func.return %y, %s : tensor<3xf32>, tensor<3xf32>
}

// -----

func.func @own_result_in_part(%x: tensor<5x2xf32>) -> tensor<1x2xf32> {
  %y = nn.stage @s(%a = %x : tensor<5x2xf32>) -> (tensor<5x2xf32>) {
    %w = nn.parameter "w" : tensor<2x2xf32>
    // expected-error @below {{nn.rnn reads its own result, of which an output holds a part: run nn-outline-stages, which inserts a copy}}
    %h = nn.rnn %a, %w : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
    nn.yield %h : tensor<5x2xf32>
  }
  %t = nn.slice %y {starts = [4, 0]} : (tensor<5x2xf32>) -> tensor<1x2xf32>
  func.return %t : tensor<1x2xf32>
}

// -----

// expected-error @below {{initial value "start" must be known, to lay it out like the array that it begins: give --weights}}
func.func @unknown_initial_value(%s: tensor<3xf32> {nn.carried_from = 1 : index, nn.initial = "start"})
    -> (tensor<3xf32>, tensor<3xf32>) {
  %y, %z = nn.stage @relu1(%a = %s : tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
    %b = nn.relu %a : (tensor<3xf32>) -> tensor<3xf32>
    %c = nn.tanh %a : (tensor<3xf32>) -> tensor<3xf32>
    nn.yield %b, %c : tensor<3xf32>, tensor<3xf32>
  }
  func.return %y, %z : tensor<3xf32>, tensor<3xf32>
}

// -----

func.func @own_result_not_yielded(%x: tensor<5x2xf32>) -> tensor<5x2xf32> {
  %y = nn.stage @s(%a = %x : tensor<5x2xf32>) -> (tensor<5x2xf32>) {
    %w = nn.parameter "w" : tensor<2x2xf32>
    // expected-error @below {{nn.rnn reads its own result, which stage @s must yield}}
    %h = nn.rnn %a, %w : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
    %r = nn.relu %h : (tensor<5x2xf32>) -> tensor<5x2xf32>
    nn.yield %r : tensor<5x2xf32>
  }
  func.return %y : tensor<5x2xf32>
}

// -----

func.func @recurrent_weight(%x: tensor<5x2xf32>, %w: tensor<2x2xf32>) -> tensor<5x2xf32> {
  %y = nn.stage @s(%a = %x : tensor<5x2xf32>, %b = %w : tensor<2x2xf32>) -> (tensor<5x2xf32>) {
    // expected-error @below {{the weight of nn.rnn must be a parameter}}
    %h = nn.rnn %a, %b : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
    nn.yield %h : tensor<5x2xf32>
  }
  func.return %y : tensor<5x2xf32>
}

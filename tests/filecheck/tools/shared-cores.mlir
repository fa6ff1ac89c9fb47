// Two programs on one core, one of which feeds the other, beside a residual skip.

// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-set-hardware{hardware="%S/Inputs/divided.toml"}' -o %t.alone.mlir
// RUN: sed -e '/@core2 /d' -e 's/@core1 runs @conv2 at/@core1 runs [@conv2 sram 6, @conv3 sram 10 of 16] at/' %t.alone.mlir > %t.mlir
// RUN: cm-run %t.mlir --random 1 -n 3 --verify --check-against %s | filecheck %s
// RUN: cm-run %t.mlir --random 1 -n 3 --check-against %s --chunk 1 | filecheck %s --check-prefix=CHUNK
// RUN: cm-opt %t.mlir -p cmcore-verify-control -o /dev/null

// The load of conv2, of 2 cycles, takes ⌈2·16 / 6⌉ = 6. Those of conv3, of 2 cycles and of 1, have 7 and 3 slots and take
// ⌈2·16 / 7⌉ = 5 and ⌈16 / 3⌉ = 6. Nothing else is divided: conv2 does not use the vector unit, and sends its results to a
// program of its core alone, without the link.
// CHECK: proof: control proved for endless streams; values equal
// CHECK-NEXT: 3 inferences on 2 cores of 'divided'
// CHECK: steady-state interval            216
// CHECK: SRAM bytes                      1152
// CHECK: conv1         108          432
// CHECK-NEXT: conv2         108          648
// CHECK-NEXT: conv3         108          648
// CHECK: what binds: conv2: loads from SRAM, 100 % of the time
// CHECK: area of the 2 cores in use
// CHECK: busiest link (0) -> (1): 288 bytes an inference
// CHECK: check: equal to NumPy in all 3 inferences

// CHUNK: steady-state interval            216
// CHUNK: check: equal to NumPy in all 3 inferences

// Programs that use what they have no share of.
// RUN: sed 's/@conv2 sram 6/@conv2/' %t.mlir > %t.one.mlir
// RUN: not cm-run %t.one.mlir --random 1 2>&1 | filecheck %s --check-prefix=ONE
// ONE: .one.mlir:{{[0-9]+}}:5: error: @conv2 has no share of the `sram` of core @core1, which it uses, and @conv3 has 10 of 16 slots
// RUN: sed -e 's/@conv2 sram 6/@conv2/' -e 's/@conv3 sram 10 of 16/@conv3/' %t.mlir > %t.none.mlir
// RUN: not cm-run %t.none.mlir --random 1 2>&1 | filecheck %s --check-prefix=NONE
// NONE: .none.mlir:{{[0-9]+}}:5: error: @conv2 and @conv3 use the `sram` of core @core1, and no program has a share of it; cmcore-share-cores assigns shares
// RUN: sed 's/@conv3 sram 10/@conv3 sram 1/' %t.mlir > %t.few.mlir
// RUN: not cm-run %t.few.mlir --random 1 2>&1 | filecheck %s --check-prefix=FEW
// FEW: .few.mlir:{{[0-9]+}}:5: error: @conv3 uses the `sram` 2 times an iteration, each in slots of its own, and has 1 slot

// Programs that fit a core each, but not one together.
// RUN: not cm-opt %t.mlir -p 'cmcore-set-hardware{hardware="%S/Inputs/divided-crossbars.toml"}' 2>&1 | filecheck %s --check-prefix=CROSSBARS
// CROSSBARS: {{[0-9]+}}:5: error: @conv2 (1) and @conv3 (1) on core @core1 need 2 crossbars together, 1 more than the 1 of a core of 'few crossbars to share'; on several cores, they would fit
// RUN: cm-opt %t.mlir -p 'cmcore-set-hardware{hardware="%S/Inputs/divided-sram.toml"}' -o %t.sram.mlir
// RUN: not cm-run %t.sram.mlir --random 1 2>&1 | filecheck %s --check-prefix=SRAM
// SRAM: .sram.mlir:{{[0-9]+}}:5: error: @conv2 (288) and @conv3 (576) on core @core1 need 864 bytes of SRAM together, 64 more than the 800 of a core of 'little SRAM to share'; on several cores, they would fit

// A machine that fixes the time of an iteration does not say what a share of it takes.
// RUN: sed 's/core = {/core = {fixed_interval = 7 : i64, /' %t.mlir > %t.fixed.mlir
// RUN: not cm-run %t.fixed.mlir --random 1 2>&1 | filecheck %s --check-prefix=FIXED
// FIXED: error: core @core1 divides its resources, and 'divided' fixes the time of an iteration: `core.fixed_interval`

func.func @main(%x: tensor<2x6x6xf32>) -> tensor<2x6x6xf32> {
  %w1 = nn.parameter dense<0.5> : tensor<2x2x1x1xf32>
  %w2 = nn.parameter dense<0.25> : tensor<2x2x1x3xf32>
  %w3 = nn.parameter dense<-0.5> : tensor<2x2x3x1xf32>
  %a = nn.conv %x, %w1 : (tensor<2x6x6xf32>, tensor<2x2x1x1xf32>) -> tensor<2x6x6xf32>
  %b = nn.conv %a, %w2 {pads = [0, 1, 0, 1]} : (tensor<2x6x6xf32>, tensor<2x2x1x3xf32>) -> tensor<2x6x6xf32>
  %c = nn.conv %b, %w3 {pads = [1, 0, 1, 0]} : (tensor<2x6x6xf32>, tensor<2x2x3x1xf32>) -> tensor<2x6x6xf32>
  %d = nn.add %c, %a : (tensor<2x6x6xf32>, tensor<2x6x6xf32>) -> tensor<2x6x6xf32>
  func.return %d : tensor<2x6x6xf32>
}

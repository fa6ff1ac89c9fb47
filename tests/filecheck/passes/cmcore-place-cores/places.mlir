// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=2,3}' 2>&1 | filecheck %s --check-prefix=OPTIMAL
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=2,3 strategy=greedy}' 2>&1 | filecheck %s --check-prefix=GREEDY
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=2,3 strategy=snake}' 2>&1 | filecheck %s --check-prefix=SNAKE
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{topology=ring shape=5}' 2>&1 | filecheck %s --check-prefix=RING
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{topology=torus shape=3,3}' 2>&1 | filecheck %s --check-prefix=TORUS
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{topology=all-to-all shape=9 strategy=snake}' 2>&1 | filecheck %s --check-prefix=ALL
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=1,2 chips=2,2 strategy=snake}' 2>&1 | filecheck %s --check-prefix=CHIPS
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=4 link-capacity=79}' 2>&1 | filecheck %s --check-prefix=LINKS
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-place-cores{shape=2,3},cmcore-verify-control' 2>/dev/null | cm-opt | filecheck %s --check-prefix=PARSED

// Three cores that all talk to each other, and a fourth at the end of the chain; 40 bytes each time. On a mesh, of
// three cores at least two are not neighbours.
// OPTIMAL: places.mlir:{{[0-9]+}}:1: remark: 4 cores on a mesh of 2×3: traffic × hops = 200 bytes an inference, bound 200; 200 with strategy=snake; the most loaded link, (0, 1) -> (0, 2), carries 80
// OPTIMAL: cmcore.core @core0 runs @conv1 at (0, 0)
// OPTIMAL-NEXT: cmcore.core @core1 runs @conv2 at (0, 1)
// OPTIMAL-NEXT: cmcore.core @core2 runs @conv3 at (0, 2)
// OPTIMAL-NEXT: cmcore.core @core3 runs @conv4 at (1, 2)

// GREEDY: remark: {{.*}}: traffic × hops = 200 bytes an inference, bound 160; 200 with strategy=snake;
// GREEDY: cmcore.core @core0 runs @conv1 at (0, 0)
// GREEDY-NEXT: cmcore.core @core1 runs @conv2 at (0, 1)
// GREEDY-NEXT: cmcore.core @core2 runs @conv3 at (0, 2)
// GREEDY-NEXT: cmcore.core @core3 runs @conv4 at (1, 2)

// SNAKE: remark: {{.*}}: traffic × hops = 200 bytes an inference, bound 160; 200 with strategy=snake;
// SNAKE: cmcore.core @core0 runs @conv1 at (0, 0)
// SNAKE-NEXT: cmcore.core @core1 runs @conv2 at (0, 1)
// SNAKE-NEXT: cmcore.core @core2 runs @conv3 at (0, 2)
// SNAKE-NEXT: cmcore.core @core3 runs @conv4 at (1, 2)

// RING: remark: 4 cores on a ring of 5: traffic × hops = 200 bytes an inference, bound 200;
// RING: cmcore.core @core0 runs @conv1 at (0)
// RING-NEXT: cmcore.core @core1 runs @conv2 at (1)
// RING-NEXT: cmcore.core @core2 runs @conv3 at (2)
// RING-NEXT: cmcore.core @core3 runs @conv4 at (3)

// On a ring of three they are.
// TORUS: remark: 4 cores on a torus of 3×3: traffic × hops = 160 bytes an inference, bound 160;
// TORUS: cmcore.core @core0 runs @conv1 at (0, 0)
// TORUS-NEXT: cmcore.core @core1 runs @conv2 at (0, 1)
// TORUS-NEXT: cmcore.core @core2 runs @conv3 at (0, 2)
// TORUS-NEXT: cmcore.core @core3 runs @conv4 at (1, 2)

// ALL: remark: 4 cores on 9 places, all to all: traffic × hops = 160 bytes an inference, bound 160; 160 with strategy=snake; the most loaded link, (0) -> (1), carries 40
// ALL: cmcore.core @core0 runs @conv1 at (0)
// ALL-NEXT: cmcore.core @core1 runs @conv2 at (1)
// ALL-NEXT: cmcore.core @core2 runs @conv3 at (2)
// ALL-NEXT: cmcore.core @core3 runs @conv4 at (3)

// CHIPS: remark: 4 cores on a mesh of 2×4 on chips of 1×2: traffic × hops = 200 bytes
// CHIPS: cmcore.core @core0 runs @conv1 at (0, 0)
// CHIPS-NEXT: cmcore.core @core1 runs @conv2 at (0, 1)
// CHIPS-NEXT: cmcore.core @core2 runs @conv3 at (0, 2)
// CHIPS-NEXT: cmcore.core @core3 runs @conv4 at (0, 3)

// In order, the second of three links would carry 80 bytes. There are several placements without.
// LINKS: remark: 4 cores on a mesh of 4: traffic × hops = 240 bytes an inference, bound 240; 200 with strategy=snake; the most loaded link, {{.*}}, carries 40

// PARSED: cmcore.core @core0 runs @conv1 at (0, 0)
// PARSED-NEXT: cmcore.core @core1 runs @conv2 at (0, 1)
// PARSED-NEXT: cmcore.core @core2 runs @conv3 at (0, 2)
// PARSED-NEXT: cmcore.core @core3 runs @conv4 at (1, 2)

func.func @main(%a: tensor<1x10xf32>) -> tensor<1x10xf32> {
  %w = nn.parameter dense<[[[1.0, 2.0, 3.0]]]> : tensor<1x1x3xf32>
  %b = nn.conv %a, %w {pads = [1, 1]} : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x10xf32>
  %c = nn.conv %b, %w {pads = [1, 1]} : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x10xf32>
  %d = nn.conv %c, %w {pads = [1, 1]} : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x10xf32>
  %s = nn.add %d, %b : (tensor<1x10xf32>, tensor<1x10xf32>) -> tensor<1x10xf32>
  %e = nn.conv %s, %w {pads = [1, 1]} : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x10xf32>
  func.return %e : tensor<1x10xf32>
}

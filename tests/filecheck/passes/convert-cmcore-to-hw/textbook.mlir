// Control units of the textbook's two convolutions (docs/design.md): conv2 runs two iterations behind conv1.

// RUN: cm-opt %S/../../textbook.mlir -p nn-to-cmcore,convert-cmcore-to-hw -o %t.mlir
// RUN: filecheck %s --input-file %t.mlir
// RUN: cm-opt %t.mlir | diff - %t.mlir
// RUN: cm-opt %t.mlir --mlir-print-op-generic | cm-opt | diff - %t.mlir

// The automaton that gives conv1 room: 6 tokens at reset, as b has 8 elements of which conv2 frees 3 with its last start.
// CHECK-LABEL: hw.module private @conv1_control_credit_b(
// CHECK-SAME: in %arrival: i1, in %fire: i1, in %x0: i3, out ready: i1) {
// CHECK: [[RESET:%.+]] = hw.constant 5 : i4
// CHECK-NEXT: %tokens = seq.compreg {{%.+}}, %clk reset %rst, [[RESET]] : i4

// The automaton of conv2: it waits for 3 events at reset, for one more with each start, and for 3 with the last.
// CHECK-LABEL: hw.module private @conv2_control_snoop_b(
// CHECK: [[RESET:%.+]] = hw.constant -3 : i4
// CHECK-NEXT: %tokens = seq.compreg [[NEXT:%.+]], %clk reset %rst, [[RESET]] : i4
// CHECK-NEXT: [[THREE:%.+]] = hw.constant 3 : i4
// CHECK-NEXT: [[ONE:%.+]] = hw.constant 1 : i4
// CHECK-NEXT: [[LAST:%.+]] = hw.constant -3 : i3
// CHECK-NEXT: [[ISLAST:%.+]] = comb.icmp eq %x0, [[LAST]] : i3
// CHECK-NEXT: [[WORD:%.+]] = comb.mux [[ISLAST]], [[THREE]], [[ONE]] : i4
// CHECK-NEXT: [[NONE:%.+]] = hw.constant 0 : i4
// CHECK-NEXT: [[TAKEN:%.+]] = comb.mux %fire, [[WORD]], [[NONE]] : i4
// CHECK: [[GAINED:%.+]] = comb.add %tokens, {{%.+}} : i4
// CHECK-NEXT: [[NEXT]] = comb.sub [[GAINED]], [[TAKEN]] : i4
// CHECK-NEXT: [[SIGN:%.+]] = comb.extract %tokens from 3

// CHECK-LABEL: hw.module private @conv2_control(
// CHECK: %fire = comb.and {{%.+}}, {{%.+}}, %snoop_b_ready : i1

// CHECK-LABEL: hw.module @chip(
// CHECK-SAME: in %hold_conv1: i1, in %hold_conv2: i1, out fire_conv1: i1, out x0_conv1: i3, out fire_conv2: i1, out x0_conv2: i3)
// CHECK-NEXT: hw.instance "conv1" @conv1_control({{.*}}event0: %conv2_fire: i1) -> (fire: i1, x0: i3)
// CHECK-NEXT: hw.instance "conv2" @conv2_control({{.*}}event0: %conv1_fire: i1) -> (fire: i1, x0: i3)

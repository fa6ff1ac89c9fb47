// The global control unit looks up tables and sends what it finds; tables that data selects from stay at cores.
// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-stream-tables{tables=all}' | filecheck %s
// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-stream-tables{tables=all},polyhedral-stream-inputs' | filecheck %s --check-prefix=STREAMED
// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-stream-tables{hardware=ideal}' | filecheck %s --check-prefix=LARGE
// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-stream-tables{hardware=isaac}' | filecheck %s --check-prefix=LARGE
// RUN: not cm-opt %s -p 'nn-to-polyhedral,polyhedral-stream-tables' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: cm-opt %s -p 'nn-to-polyhedral,polyhedral-stream-tables{tables=all},polyhedral-stream-inputs,polyhedral-to-cmcore,cmcore-verify-values' 2>&1 | filecheck %s --check-prefix=PROVED

// @take2 also adds, and so reads what a new stage finds. @take1 does nothing else, and moves.
// CHECK: polyhedral.stage @look_up_places (%i0) gcu domain #polyhedral.set<"{ look_up_places[i0] : 0 <= i0 <= 4 }"> {
// CHECK-NEXT: polyhedral.read @places
// CHECK-NEXT: polyhedral.read @t
// CHECK-NEXT: cmcore.pick
// CHECK-NEXT: polyhedral.write %{{.*}}, @places_sent #polyhedral.map<"{ [look_up_places[i0] -> lane[l0]] -> places_sent[l0, i0] : 0 <= i0 <= 4 and 0 <= l0 <= 5 }"> : vector<6xf32>
// CHECK: polyhedral.stage @take1 (%i0) gcu domain
// CHECK: polyhedral.stage @take2 (%i0) domain
// CHECK-NEXT: polyhedral.read @places_sent #polyhedral.map<"{ [take2[i0] -> lane[l0]] -> places_sent[l0, i0] : 0 <= i0 <= 4 and 0 <= l0 <= 5 }"> : vector<6xf32>
// CHECK-NOT: cmcore.pick
// CHECK: polyhedral.stage @take3 (%i0) domain
// CHECK: cmcore.pick

// Stages on the global control unit read inputs in its memory; others get them.
// STREAMED-DAG: polyhedral.read @t #polyhedral.map<"{ [take1[i0]
// STREAMED-DAG: polyhedral.read @t #polyhedral.map<"{ [look_up_places[i0]
// STREAMED-DAG: polyhedral.read @t #polyhedral.map<"{ [send_t[
// STREAMED-DAG: polyhedral.read @t_sent

// LARGE-NOT: gcu

// UNKNOWN: error: give the `hardware`, or tables=all: the pipeline carries none, see polyhedral-set-hardware

// PROVED-NOT: remark
// PROVED: cmcore.program @look_up_places gcu {
// PROVED: cmcore.program @take1 gcu {

func.func @main(%t: tensor<5xi64>) -> (tensor<5x6xf32>, tensor<5x2xf32>) {
  %table = nn.parameter "table" : tensor<20x6xf32>
  %places = nn.parameter "places" : tensor<9x6xf32>
  %rows = nn.parameter "rows" : tensor<8x2xf32>
  %a = nn.take %table, %t {axis = 0} : (tensor<20x6xf32>, tensor<5xi64>) -> tensor<5x6xf32>
  %b = nn.take %places, %t {axis = 0} : (tensor<9x6xf32>, tensor<5xi64>) -> tensor<5x6xf32>
  %y = nn.add %a, %b : (tensor<5x6xf32>, tensor<5x6xf32>) -> tensor<5x6xf32>
  %i = nn.add %t, %t : (tensor<5xi64>, tensor<5xi64>) -> tensor<5xi64>
  %z = nn.take %rows, %i {axis = 0} : (tensor<8x2xf32>, tensor<5xi64>) -> tensor<5x2xf32>
  func.return %y, %z : tensor<5x6xf32>, tensor<5x2xf32>
}

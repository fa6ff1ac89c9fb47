// RUN: cm-opt %s -p cmcore-set-hardware{hardware=%S/Inputs/former-names.toml} 2>&1 | filecheck %s

// Descriptions for earlier versions call the table of the interconnect `network`.

// CHECK: former-names.toml:3:1: remark: table `network` is called `interconnect` now; the former name is still read
// CHECK-NOT: remark
// CHECK: cmcore.network @main () -> () attributes {cmir.hardware = {name = "former", interconnect = {hop_cycles = 3 : i64}}} {

cmcore.network @main () -> () {
}

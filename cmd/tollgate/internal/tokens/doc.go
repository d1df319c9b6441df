// Package tokens mints tokens with throw-away keys, for case files, the load
// driver and `tollgate tokens sign`. It signs on the standard library alone, so
// that the tokens of our tests are not made by the library that checks them.
// The gate itself never signs: nothing here is reachable from a request.
package tokens

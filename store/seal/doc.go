// Package seal is the keyring of everything secret that is stored: it seals and
// opens values, turns names into ids that cannot be guessed from a dump, and
// derives keys from a secret that only a client holds.
//
// The first key of a ring seals, all of them open. What each key is used for is
// a key of its own, derived by HKDF-SHA-256 (RFC 5869) under a fixed label, so
// that no two uses share key material.
//
// Order of the files: key.go (one key, read and shown), keyring.go (sealing and
// ids), derive.go (keys from a client's secret), keyfile.go (the generated key
// beside an embedded store).
package seal

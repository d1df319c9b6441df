// Package credential keeps per-key secrets ("JWT ID" keys): each holder signs
// tokens with an own secret or private key, the key is found by its whole id,
// and rights and limits hang on the key.
//
// It never decides a request. A record holds no id and no secret in the clear:
// it stands under a keyed hash of the session that the key stands for and is
// sealed with the keyring. Replicas hear of every change through the feed.
//
// Order of the files: credential.go (what is kept), check.go (what may be
// kept), record.go (its sealed form), registry.go (create, read, change,
// delete), list.go (pages, resealing), find.go and cache.go (the hot look-up).
package credential

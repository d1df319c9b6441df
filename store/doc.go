// Package store says what tollgate asks of the place where it keeps things:
// records (KV), a feed of changes (Feed) and, with the limits, counters.
//
// It decides nothing and opens nothing. It holds the roles, the errors that
// every backend answers with, the envelope that records are written in, the
// layout of keys and the reading of store URLs. The backends stand below it:
// store/memory, store/file and store/redis; store/storetest holds the rules
// that all of them keep, as tests.
//
// Order of the files: kv.go and feed.go (the roles), backend.go (what a backend
// is and whom it tells), errors.go, key.go (kinds, ids, partitions),
// envelope.go (records as bytes), address.go (store URLs), report.go (what
// `tollgate store check` shows). table.go and ring.go hold records and events in
// this process: memory and file serve from them.
//
// Whatever is stored is useless as a token: values are sealed or hashed by the
// packages that write them (store/seal), ids are keyed hashes.
package store

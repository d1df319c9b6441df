// Package file is the store of one machine: DIR/store.db.
//
// Every read is served from memory (store.Table); a bbolt file is the log from
// which memory is filled at the start. A write is answered when the log has it
// on disk, and is seen by readers only then. Writes that wait for the disk
// together are committed together.
//
// Records lie in the log by the hour in which they expire, so that an hour that
// has passed is dropped whole. The feed is not in the log: a follower begins
// with the records, and one process has the store.
//
// Order of the files: open.go (a directory becomes a store), lock.go (one
// process), intact.go (is the file whole, before it is mapped), layout.go (where
// a record lies in the log), load.go (log to memory), commit.go (memory and log
// together), store.go (the roles), backup.go (a copy while running), check.go
// (what to know about this store), sealkey.go (the key beside the directory).
package file

package store_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// benchKey is an id as they are: 16 bytes of a hash.
func benchKey(i int) store.Key {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:], uint64(i)*0x9E3779B97F4A7C15)
	binary.LittleEndian.PutUint64(id[8:], uint64(i))
	return store.Key{Kind: store.KindSplit, ID: string(id[:])}
}

// BenchmarkBytesPerRecord measures what a record of 300 bytes costs in memory,
// beside its id and value, and compares it with what the table counts for it.
func BenchmarkBytesPerRecord(b *testing.B) {
	const records, size = 200_000, 300
	for b.Loop() {
		table := store.NewTable(0, time.Now, store.Hooks{})
		before := heap()
		for i := range records {
			if err := table.Set(benchKey(i), store.Record{Value: make([]byte, size), Version: 1}, store.Any); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/records, "B/record")
		b.ReportMetric(float64(table.Bytes())/records, "counted-B/record")
		runtime.KeepAlive(table)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkTableGet(b *testing.B) {
	table := store.NewTable(0, time.Now, store.Hooks{})
	const records = 100_000
	for i := range records {
		if err := table.Set(benchKey(i), store.Record{Value: make([]byte, 300), Version: 1}, store.Any); err != nil {
			b.Fatal(err)
		}
	}
	keys := make([]store.Key, 1024)
	for i := range keys {
		keys[i] = benchKey(i * 97 % records)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := table.Get(keys[i%len(keys)]); err != nil {
			b.Fatal(err)
		}
	}
}

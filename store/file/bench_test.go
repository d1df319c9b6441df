package file_test

import (
	"encoding/binary"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
)

const benchValue = 900

func benchID(n int64) string {
	var id [16]byte
	binary.LittleEndian.PutUint64(id[:], uint64(n)*0x9E3779B97F4A7C15)
	binary.LittleEndian.PutUint64(id[8:], uint64(n))
	return string(id[:])
}

// spread lets b.N writes be done by so many writers.
func spread(b *testing.B, writers int, write func(n int64) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range writers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := write(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}

// BenchmarkDurablePut writes records that are on disk when the call returns:
// by this store, and by bbolt alone (Update for one writer, Batch for many).
func BenchmarkDurablePut(b *testing.B) {
	for _, w := range []struct {
		name    string
		writers int
	}{{"1", 1}, {"64", 64}} {
		b.Run("file/"+w.name, func(b *testing.B) {
			s, err := file.Open(b.TempDir(), file.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			value := make([]byte, benchValue)
			spread(b, w.writers, func(n int64) error {
				_, err := s.Put(b.Context(), store.Key{Kind: store.KindSplit, ID: benchID(n)}, value, store.Write{})
				return err
			})
		})
		b.Run("bbolt/"+w.name, func(b *testing.B) {
			db := bare(b)
			value := make([]byte, benchValue)
			update := db.Update
			if w.writers > 1 {
				update = db.Batch
			}
			spread(b, w.writers, func(n int64) error {
				return update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte(benchID(n)), value) })
			})
		})
	}
}

func bare(b *testing.B) *bolt.DB {
	b.Helper()
	db, err := bolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("b"))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func BenchmarkGet(b *testing.B) {
	const records = 20_000
	value := make([]byte, benchValue)
	b.Run("file", func(b *testing.B) {
		s, err := file.Open(b.TempDir(), file.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		var all sync.WaitGroup
		for w := range 64 {
			all.Go(func() {
				for n := w; n < records; n += 64 {
					if _, err := s.Put(b.Context(), store.Key{Kind: store.KindSplit, ID: benchID(int64(n))}, value, store.Write{}); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
		n := int64(0)
		b.ReportAllocs()
		for b.Loop() {
			n++
			if _, err := s.Get(b.Context(), store.Key{Kind: store.KindSplit, ID: benchID(n % records)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bbolt", func(b *testing.B) {
		db := bare(b)
		err := db.Update(func(tx *bolt.Tx) error {
			for n := range int64(records) {
				if err := tx.Bucket([]byte("b")).Put([]byte(benchID(n)), value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		n := int64(0)
		b.ReportAllocs()
		for b.Loop() {
			n++
			err := db.View(func(tx *bolt.Tx) error {
				if v := tx.Bucket([]byte("b")).Get([]byte(benchID(n % records))); len(v) != benchValue {
					b.Fatal("not there")
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

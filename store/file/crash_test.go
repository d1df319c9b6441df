package file_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
)

const (
	crashDir   = "TOLLGATE_TEST_CRASH_DIR"
	crashRound = "TOLLGATE_TEST_CRASH_ROUND"
	crashers   = 64
	crashSeed  = 20240607
)

// change is one write of a writer: to one of a few records, so that records are
// written over, moved between expiries and deleted.
type change struct {
	key     store.Key
	value   string
	expires time.Time
	remove  bool
}

// writer is one of those that write in one round.
type writer struct{ round, number int }

// recordsEach is how many records a writer has.
const recordsEach = 6

func (w writer) key(i int) store.Key {
	return store.Key{
		Kind: store.KindCredential,
		ID:   store.Frame(strconv.Itoa(w.round), strconv.Itoa(w.number), strconv.Itoa(i)),
	}
}

// changes are the writes of one writer in one round, the same in the process
// that is killed and in the one that looks afterwards.
func (w writer) changes() func() change {
	r := rand.New(rand.NewPCG(crashSeed, uint64(w.round*crashers+w.number)))
	n := 0
	return func() change {
		n++
		c := change{key: w.key(r.IntN(recordsEach))}
		c.value = fmt.Sprintf("%d/%d/%d ", w.round, w.number, n) + strings.Repeat("v", r.IntN(2000))
		if r.IntN(3) == 0 {
			c.expires = time.UnixMilli(4102444800000).Add(time.Duration(r.IntN(5)) * time.Hour)
		}
		c.remove = r.IntN(5) == 0
		return c
	}
}

// crashChild is the process that will be killed: it says on its output which
// writer's write has been acknowledged.
func crashChild() {
	dir := os.Getenv(crashDir)
	if dir == "" {
		return
	}
	round, err := strconv.Atoi(os.Getenv(crashRound))
	if err != nil {
		panic(err)
	}
	s, err := file.Open(dir, file.Options{})
	if err != nil {
		panic(err)
	}
	var all sync.WaitGroup
	for w := range crashers {
		all.Go(func() {
			next := writer{round, w}.changes()
			for {
				c := next()
				var err error
				if c.remove {
					err = s.Delete(context.Background(), c.key, store.Any)
				} else {
					_, err = s.Put(context.Background(), c.key, []byte(c.value), store.Write{Expires: c.expires})
				}
				if err != nil {
					panic(err)
				}
				if _, err := os.Stdout.Write(binary.BigEndian.AppendUint16(nil, uint16(w))); err != nil {
					panic(err)
				}
			}
		})
	}
	all.Wait()
}

// TestKilledWhileWriting kills a process that writes with 64 writers, again and
// again on the same directory: what it had acknowledged is there, and of what
// it had not at most the one write of each writer that was under way.
func TestKilledWhileWriting(t *testing.T) {
	kills := 15
	if os.Getenv("TOLLGATE_LONG") == "1" {
		kills = 1000
	}
	r := rand.New(rand.NewPCG(crashSeed, 1))
	var dir string
	expected := make(map[string]string)
	acknowledged, refused, opened := 0, 0, 0
	for round := range kills {
		if round%25 == 0 {
			dir = filepath.Join(t.TempDir(), "store")
			clear(expected)
		}
		acks := runAndKill(t, dir, round, time.Duration(5+r.IntN(150))*time.Millisecond)
		if file.Exists(dir) {
			no, yes := openTruncated(t, dir, r)
			refused, opened = refused+no, opened+yes
		}
		s := open(t, dir, file.Options{})
		found := contents(t, s)
		for w, n := range acks {
			acknowledged += n
			writer{round, w}.settle(t, n, found, expected)
		}
		if !maps.Equal(found, expected) {
			t.Errorf("round %d: %d records found, %d expected", round, len(found), len(expected))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("evidence: %d kills, %d acknowledged writes, truncated logs: %d refused, %d whole", kills, acknowledged, refused, opened)
	if acknowledged < kills || refused == 0 || opened == 0 {
		t.Error("the test did not test")
	}
}

// settle says what must be there of one writer: the state after the n writes
// that were acknowledged or, where that is what was found, after one more.
func (w writer) settle(t *testing.T, n int, found, expected map[string]string) {
	t.Helper()
	next := w.changes()
	mine := make(map[string]string)
	apply := func() {
		c := next()
		if c.remove {
			delete(mine, c.key.ID)
		} else {
			mine[c.key.ID] = c.value
		}
	}
	same := func() bool {
		for i := range recordsEach {
			id := w.key(i).ID
			want, there := mine[id]
			if got, is := found[id]; there != is || want != got {
				return false
			}
		}
		return true
	}
	for range n {
		apply()
	}
	if !same() {
		apply()
		if !same() {
			t.Errorf("a writer with %d acknowledged writes: its records are neither after these nor after one more", n)
		}
	}
	maps.Copy(expected, mine)
}

func runAndKill(t *testing.T, dir string, round int, after time.Duration) map[int]int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashRound+"="+strconv.Itoa(round))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // gone already or gone now
	defer kill.Stop()
	acks := make(map[int]int)
	for in := bufio.NewReader(out); ; {
		var b [2]byte
		if _, err := io.ReadFull(in, b[:]); err != nil {
			break
		}
		acks[int(binary.BigEndian.Uint16(b[:]))]++
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != -1 || complaints.Len() > 0 {
		t.Fatalf("the writing process ended by itself: %v\n%s", err, complaints.Bytes())
	}
	for w := range crashers { // one that has nothing acknowledged may have written
		acks[w] += 0
	}
	return acks
}

func contents(t *testing.T, s *file.Store) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for it, err := range store.All(t.Context(), s, store.Key{Kind: store.KindCredential}) {
		if err != nil {
			t.Fatal(err)
		}
		found[it.Key.ID] = string(it.Value)
	}
	return found
}

// openTruncated opens copies of a log that lack a part of their end. Each holds
// everything or is refused and left as it is.
func openTruncated(t *testing.T, dir string, r *rand.Rand) (refused, opened int) {
	t.Helper()
	whole, err := os.ReadFile(filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	used := (len(bytes.TrimRight(whole, "\x00")) + page - 1) / page * page
	for _, length := range []int{used - 1 - r.IntN(min(used-1, 16*page)), used - 1 - r.IntN(used-1), used + r.IntN(len(whole)-used+1)} {
		if openTruncatedTo(t, dir, whole[:length]) {
			opened++
		} else {
			refused++
		}
	}
	return refused, opened
}

func openTruncatedTo(t *testing.T, dir string, short []byte) bool {
	t.Helper()
	copied := filepath.Join(filepath.Dir(dir), "copied")
	path := filepath.Join(copied, "store.db")
	if err := errors.Join(os.RemoveAll(copied), os.Mkdir(copied, 0o700), os.WriteFile(path, short, 0o600)); err != nil {
		t.Fatal(err)
	}
	s, err := file.Open(copied, file.Options{})
	if err != nil {
		if !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("a truncated log: %v", err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, short) {
			t.Fatalf("a refused log was changed (%v)", err)
		}
		return false
	}
	got := contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	full := open(t, dir, file.Options{})
	if !maps.Equal(got, contents(t, full)) {
		t.Error("a truncated log was opened and lacks records")
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
	return true
}

package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestConformance holds all kinds of bucket to one contract.
func TestConformance(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(*testing.T) Bucket{
		"folder":     func(t *testing.T) Bucket { return newFolder(t, t.TempDir()) },
		"memory":     func(*testing.T) Bucket { return NewMemory() },
		"gs/memory":  func(t *testing.T) Bucket { return newGS(t, "") },
		"gs/on disk": func(t *testing.T) Bucket { return newGS(t, t.TempDir()) },
	}
	for kind, open := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(*testing.T, Bucket){
				"create":             testCreate,
				"ranges":             testRanges,
				"generation":         testGeneration,
				"list":               testList,
				"list is stopped":    testListStopped,
				"checksum":           testChecksum,
				"compose":            testCompose,
				"compose refusals":   testComposeRefusals,
				"failing write":      testFailingWrite,
				"names refused":      testNamesRefused,
				"nothing there":      testNothingThere,
				"one winner":         testOneWinner,
				"nothing by halves":  testNothingByHalves,
				"cancelled contexts": testCancelled,
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, open(t)) // of its own: the fake looks at every object for a list
				})
			}
		})
	}
}

func testCreate(t *testing.T, b Bucket) {
	// The largest takes several chunks of a resumable upload.
	for name, size := range map[string]int{
		"create/empty": 0, "create/one": 1, "create/a b+c%2F?d#é.json": 5000, "create/large": 2*chunkSize + 3,
	} {
		want := randomBytes(size)
		put(t, b, name, want)
		if got := get(t, b, name); !bytes.Equal(got, want) {
			t.Errorf("%s: read %d bytes unlike the %d written", name, len(got), len(want))
		}
		attrs, err := b.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if attrs.Name != name || attrs.Size != int64(size) || attrs.Generation == 0 {
			t.Errorf("Stat(%s) = %+v, want %d bytes and a generation", name, attrs, size)
		}
		err = b.Create(t.Context(), name, content("other"))
		if !errors.Is(err, ErrExists) {
			t.Errorf("creating %s again: %v, want ErrExists", name, err)
		}
		if got := get(t, b, name); !bytes.Equal(got, want) {
			t.Errorf("%s has changed", name)
		}
	}
}

func testRanges(t *testing.T, b Bucket) {
	const whole = "0123456789"
	put(t, b, "ranges/ten", []byte(whole))
	put(t, b, "ranges/none", nil)
	for _, test := range []struct {
		name           string
		offset, length int64
		want           string
	}{
		{"ranges/ten", 0, -1, whole},
		{"ranges/ten", 0, 10, whole},
		{"ranges/ten", 0, 1, "0"},
		{"ranges/ten", 3, 4, "3456"},
		{"ranges/ten", 3, -1, "3456789"},
		{"ranges/ten", 8, 100, "89"},
		{"ranges/ten", 4, 0, ""},
		{"ranges/ten", 9, -1, "9"},
		{"ranges/ten", 10, -1, ""},
		{"ranges/ten", 10, 5, ""},
		{"ranges/ten", 1 << 40, 5, ""},
		{"ranges/none", 0, -1, ""},
		{"ranges/none", 0, 5, ""},
		{"ranges/none", 5, -1, ""},
	} {
		r, err := b.Open(t.Context(), test.name, 0, test.offset, test.length)
		if err != nil {
			t.Errorf("Open(%s, %d, %d): %v", test.name, test.offset, test.length, err)
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != test.want {
			t.Errorf("Open(%s, %d, %d) reads %q, %v; want %q", test.name, test.offset, test.length, got, err, test.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if r, err := b.Open(t.Context(), "ranges/ten", 0, -1, 1); err == nil {
		r.Close()
		t.Error("a negative offset was taken")
	}
}

func testGeneration(t *testing.T, b Bucket) {
	put(t, b, "generation", []byte("content"))
	attrs, err := b.Stat(t.Context(), "generation")
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(t.Context(), "generation", attrs.Generation, 3, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	r.Close()
	if err != nil || string(got) != "tent" {
		t.Errorf("read %q, %v", got, err)
	}
	for _, length := range []int64{-1, 0} {
		if r, err := b.Open(t.Context(), "generation", attrs.Generation+1, 0, length); !errors.Is(err, ErrNotExist) {
			r.Close()
			t.Errorf("another generation, length %d: %v, want ErrNotExist", length, err)
		}
	}
}

func testList(t *testing.T, b Bucket) {
	names := []string{
		"list/a-", "list/a.b", "list/a/b", "list/a/b.c", "list/a/c/d", "list/a/c/e", "list/a0", "list/aa/b",
		"list/b/.hidden", "list/b/.tmp/x", "list/z", "list/é",
	}
	for _, i := range rand.Perm(len(names)) {
		put(t, b, names[i], []byte(names[i]))
	}
	prefixes := []string{
		"list/", "list/a", "list/a/", "list/a/b", "list/a/c", "list/a/c/", "list/a/c/d", "list/a/c/d/", "list/b/.",
		"list/missing", "list/a/missing/x", "list//", "list/.", "list/../", "list/a/../", "/", "../", ".tmp/",
	}
	afters := slices.Concat(names, []string{
		"", "list", "list/a", "list/a/", "list/a/b!", "list/a/c", "list/a/c/", "list/a/c0", "zzz",
	})
	for _, prefix := range prefixes {
		for _, after := range afters {
			var want []string
			for _, name := range names {
				if strings.HasPrefix(name, prefix) && name > after {
					want = append(want, name)
				}
			}
			var got []string
			for attrs, err := range b.List(t.Context(), prefix, after) {
				if err != nil {
					t.Fatalf("List(%q, %q): %v", prefix, after, err)
				}
				got = append(got, attrs.Name)
				if attrs.Size != int64(len(attrs.Name)) || attrs.Generation == 0 {
					t.Errorf("List(%q, %q) gives %+v", prefix, after, attrs)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("List(%q, %q) (-want +got):\n%s", prefix, after, diff)
			}
		}
	}
	attrs, err := b.Stat(t.Context(), "list/a/b")
	if err != nil {
		t.Fatal(err)
	}
	for listed, err := range b.List(t.Context(), "list/a/b", "") {
		if diff := cmp.Diff(attrs, listed); diff != "" || err != nil {
			t.Errorf("Stat and List differ, %v (-stat +list):\n%s", err, diff)
		}
		break
	}
}

func testListStopped(t *testing.T, b Bucket) {
	for i := range 4 {
		put(t, b, fmt.Sprintf("stopped/%d/%d", i/2, i), nil)
	}
	for stop := 1; stop < 4; stop++ {
		seen := 0
		for _, err := range b.List(t.Context(), "stopped/", "") {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen == stop {
				break
			}
		}
		if seen != stop {
			t.Errorf("stopped after %d objects, not %d", seen, stop)
		}
	}
}

func testChecksum(t *testing.T, b Bucket) {
	for i, data := range [][]byte{nil, []byte("123456789"), randomBytes(100_000)} {
		name := fmt.Sprint("checksum/", i)
		put(t, b, name, data)
		want := crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
		if got, err := b.Checksum(t.Context(), name); err != nil || got != want {
			t.Errorf("Checksum(%s) = %#x, %v; want %#x", name, got, err, want)
		}
	}
	const published = 0xe3069283 // of "123456789": RFC 3720's polynomial
	if got, err := b.Checksum(t.Context(), "checksum/1"); err != nil || got != published {
		t.Errorf("Checksum = %#x, %v; want %#x", got, err, published)
	}
}

func testCompose(t *testing.T, b Bucket) {
	var parts []string
	var contents []byte
	for i := range 40 {
		name := fmt.Sprintf("compose/part-%02d", i)
		data := randomBytes(i * 10)
		put(t, b, name, data)
		parts = append(parts, name)
		contents = append(contents, data...)
	}
	offset := func(n int) int { return 10 * n * (n - 1) / 2 }
	for _, n := range []int{0, 1, 3, maxParts, maxParts + 1, 40} {
		name := fmt.Sprintf("compose/of-%d", n)
		if err := b.Compose(t.Context(), name, parts[:n]); err != nil {
			t.Errorf("composing %d parts: %v", n, err)
			continue
		}
		if got := get(t, b, name); !bytes.Equal(got, contents[:offset(n)]) {
			t.Errorf("%d parts: %d bytes unlike the %d of the parts", n, len(got), offset(n))
		}
		if err := b.Compose(t.Context(), name, parts[:1]); !errors.Is(err, ErrExists) {
			t.Errorf("composing %s again: %v, want ErrExists", name, err)
		}
		if err := b.Compose(t.Context(), name, parts); !errors.Is(err, ErrExists) {
			t.Errorf("composing %s again, of 40: %v, want ErrExists", name, err)
		}
		if got := get(t, b, name); !bytes.Equal(got, contents[:offset(n)]) {
			t.Errorf("%s has changed", name)
		}
	}
	// A part may come more than once.
	if err := b.Compose(t.Context(), "compose/twice", []string{parts[1], parts[1]}); err != nil {
		t.Error(err)
	} else if got, want := get(t, b, "compose/twice"), bytes.Repeat(get(t, b, parts[1]), 2); !bytes.Equal(got, want) {
		t.Errorf("a part composed with itself: %d bytes, want %d", len(got), len(want))
	}
	for _, part := range parts {
		if _, err := b.Stat(t.Context(), part); err != nil {
			t.Errorf("part gone: %v", err)
		}
	}
}

func testComposeRefusals(t *testing.T, b Bucket) {
	put(t, b, "refusals/part", []byte("part"))
	for _, missing := range []string{"refusals/missing", "../part", ""} {
		if err := b.Compose(t.Context(), "refusals/whole", []string{"refusals/part", missing}); !errors.Is(err, ErrNotExist) {
			t.Errorf("a part %q: %v, want ErrNotExist", missing, err)
		}
	}
	mustBeAbsent(t, b, "refusals/whole")
	if err := b.Compose(t.Context(), "../whole", []string{"refusals/part"}); !errors.Is(err, ErrName) {
		t.Errorf("a bad name: %v, want ErrName", err)
	}
}

func testFailingWrite(t *testing.T, b Bucket) {
	wrong := errors.New("wrong")
	for i, size := range []int{0, 10, chunkSize + 1, 2*chunkSize + 5} {
		name := fmt.Sprint("failing/", i)
		err := b.Create(t.Context(), name, func(w io.Writer) error {
			if _, err := w.Write(randomBytes(size)); err != nil {
				t.Error(err)
			}
			return wrong
		})
		if err != wrong {
			t.Errorf("%d bytes and an error: %v, want that error", size, err)
		}
		mustBeAbsent(t, b, name)
		func() {
			defer func() { recover() }()
			b.Create(t.Context(), name, func(w io.Writer) error {
				w.Write(randomBytes(size))
				panic("writer")
			})
		}()
		mustBeAbsent(t, b, name)
		put(t, b, name, []byte("right"))
	}
}

func testNamesRefused(t *testing.T, b Bucket) {
	for _, name := range badNames {
		err := b.Create(t.Context(), name, func(io.Writer) error {
			t.Errorf("%q is written", name)
			return nil
		})
		if !errors.Is(err, ErrName) {
			t.Errorf("creating %q: %v, want ErrName", name, err)
		}
	}
	for _, name := range goodNames {
		put(t, b, name, nil)
	}
}

var badNames = []string{
	"", "/", ".", "..", "/a", "a/", "a//b", "./a", "a/.", "a/./b", "../a", "a/..", "a/../b", "a/../../b",
	"a\x00b", "a\nb", "a\rb", `a\b`, "a\xffb", ".tmp", ".TMP/a",
	strings.Repeat("a/", 512) + "a", strings.Repeat("é", 128),
}

// The fake storage on disk takes no longer element.
var goodNames = []string{
	"...", ".tmpx", "b/.tmp", " ", "~", "C:", "%2e%2e", "a b+c?d#e", strings.Repeat("é", 100),
	strings.Repeat("a/", 511) + "aa",
}

func testNothingThere(t *testing.T, b Bucket) {
	put(t, b, "there/object", nil)
	absent := []string{"nothing", "there", "there/", "there/object/below", "there/" + strings.Repeat("a", 300)}
	for _, name := range append(absent, badNames...) {
		mustBeAbsent(t, b, name)
	}
}

func testOneWinner(t *testing.T, b Bucket) {
	const writers = 16
	errs := make([]error, writers)
	contents := make([][]byte, writers)
	var done sync.WaitGroup
	for i := range writers {
		contents[i] = bytes.Repeat([]byte{byte(i)}, 10_000+i)
		done.Go(func() { errs[i] = b.Create(t.Context(), "winner/new/object", content(string(contents[i]))) })
	}
	done.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, ErrExists):
			t.Errorf("writer %d: %v, want ErrExists", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	if got := get(t, b, "winner/new/object"); !bytes.Equal(got, contents[winner]) {
		t.Errorf("the object is not what writer %d wrote", winner)
	}
}

// testNothingByHalves reads an object while it is written: it is not there, or it is whole.
func testNothingByHalves(t *testing.T, b Bucket) {
	const name = "halves/object"
	want := randomBytes(1 << 20)
	stop := make(chan struct{})
	var reading sync.WaitGroup
	for range 2 {
		reading.Go(func() {
			for {
				for attrs, err := range b.List(t.Context(), "halves/", "") {
					if err != nil || attrs.Size != int64(len(want)) {
						t.Errorf("listed %+v, %v", attrs, err)
					}
				}
				if r, err := b.Open(t.Context(), name, 0, 0, -1); err == nil {
					got, err := io.ReadAll(r)
					r.Close()
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("read %d bytes, %v", len(got), err)
					}
				} else if !errors.Is(err, ErrNotExist) {
					t.Error(err)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	err := b.Create(t.Context(), name, func(w io.Writer) error {
		for piece := range slices.Chunk(want, 64<<10) {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	})
	close(stop)
	reading.Wait()
	if err != nil {
		t.Fatal(err)
	}
}

func testCancelled(t *testing.T, b Bucket) {
	put(t, b, "cancelled/object", randomBytes(chunkSize))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := b.Open(ctx, "cancelled/object", 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = b.Create(ctx, "cancelled/new", func(w io.Writer) error {
		cancel()
		_, err := w.Write(randomBytes(2*chunkSize + 1))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Create: %v, want Canceled", err)
	}
	_, errRead := io.ReadAll(r)
	_, errStat := b.Stat(ctx, "cancelled/object")
	_, errOpen := b.Open(ctx, "cancelled/object", 0, 0, -1)
	_, errSum := b.Checksum(ctx, "cancelled/object")
	errCreate := b.Create(ctx, "cancelled/new", content("new"))
	errCompose := b.Compose(ctx, "cancelled/new", []string{"cancelled/object"})
	var errList error
	for _, err := range b.List(ctx, "cancelled/", "") {
		errList = err
	}
	for doing, err := range map[string]error{
		"Read": errRead, "Stat": errStat, "Open": errOpen, "Checksum": errSum, "Create": errCreate,
		"Compose": errCompose, "List": errList,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want Canceled", doing, err)
		}
	}
	mustBeAbsent(t, b, "cancelled/new")
}

func put(t testing.TB, b Bucket, name string, data []byte) {
	t.Helper()
	if err := b.Create(t.Context(), name, content(string(data))); err != nil {
		t.Fatalf("creating %q: %v", name, err)
	}
}

func get(t testing.TB, b Reader, name string) []byte {
	t.Helper()
	r, err := b.Open(t.Context(), name, 0, 0, -1)
	if err != nil {
		t.Fatalf("opening %q: %v", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("reading %q: %v", name, err)
	}
	return data
}

// mustBeAbsent checks that a reader finds no object of that name.
func mustBeAbsent(t testing.TB, b Reader, name string) {
	t.Helper()
	if _, err := b.Stat(t.Context(), name); !errors.Is(err, ErrNotExist) {
		t.Errorf("Stat(%q): %v, want ErrNotExist", name, err)
	}
	if _, err := b.Checksum(t.Context(), name); !errors.Is(err, ErrNotExist) {
		t.Errorf("Checksum(%q): %v, want ErrNotExist", name, err)
	}
	for _, length := range []int64{-1, 0, 1} {
		if _, err := b.Open(t.Context(), name, 0, 0, length); !errors.Is(err, ErrNotExist) {
			t.Errorf("Open(%q), %d bytes: %v, want ErrNotExist", name, length, err)
		}
	}
	for attrs, err := range b.List(t.Context(), name, "") {
		if attrs.Name == name || err != nil {
			t.Errorf("List(%q) yields %+v, %v", name, attrs, err)
		}
	}
}

func content(data string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, data)
		return err
	}
}

func randomBytes(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data)
	return data
}

// Package buckettest tests that all kinds of bucket fulfil the contract of bucket.Bucket, and has helpers for tests.
package buckettest

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/harvest-ml/harvest/shared/bucket"
)

const (
	// composed is the largest number of objects that Cloud Storage concatenates in one request.
	composed = 32
	// chunk is a size above the buffer of every kind of bucket, in bytes.
	chunk = 4 << 20
)

// Conformance tests that a kind of bucket fulfils the contract of bucket.Bucket. open returns an empty bucket.
func Conformance(t *testing.T, open func(*testing.T) bucket.Bucket) {
	for name, test := range map[string]func(*testing.T, bucket.Bucket){
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
		"missing objects":    testMissingObjects,
		"one winner":         testOneWinner,
		"no partial object":  testNoPartialObject,
		"cancelled contexts": testCancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t)) // one bucket for each test: some fakes read all objects to list some
		})
	}
}

func testCreate(t *testing.T, b bucket.Bucket) {
	// The largest takes several chunks of a resumable upload.
	for name, size := range map[string]int{
		"create/empty": 0, "create/one": 1, "create/a b+c%2F?d#é.json": 5000, "create/large": 2*chunk + 3,
	} {
		want := RandomBytes(size)
		Put(t, b, name, want)
		if got := Get(t, b, name); !bytes.Equal(got, want) {
			t.Errorf("%s: the %d bytes read differ from the %d bytes written", name, len(got), len(want))
		}
		attrs, err := b.Stat(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if attrs.Name != name || attrs.Size != int64(size) || attrs.Generation == 0 {
			t.Errorf("Stat(%s) = %+v, want %d bytes and a generation", name, attrs, size)
		}
		err = b.Create(t.Context(), name, Content("other"))
		if !errors.Is(err, bucket.ErrExists) {
			t.Errorf("creating %s again: %v, want ErrExists", name, err)
		}
		if got := Get(t, b, name); !bytes.Equal(got, want) {
			t.Errorf("%s has changed", name)
		}
	}
}

func testRanges(t *testing.T, b bucket.Bucket) {
	const whole = "0123456789"
	Put(t, b, "ranges/ten", []byte(whole))
	Put(t, b, "ranges/none", nil)
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
		t.Error("a negative offset was accepted")
	}
}

func testGeneration(t *testing.T, b bucket.Bucket) {
	Put(t, b, "generation", []byte("content"))
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
		if r, err := b.Open(t.Context(), "generation", attrs.Generation+1, 0, length); !errors.Is(err, bucket.ErrNotExist) {
			r.Close()
			t.Errorf("another generation, length %d: %v, want ErrNotExist", length, err)
		}
	}
}

func testList(t *testing.T, b bucket.Bucket) {
	names := []string{
		"list/a-", "list/a.b", "list/a/b", "list/a/b.c", "list/a/c/d", "list/a/c/e", "list/a0", "list/aa/b",
		"list/b/.hidden", "list/b/.tmp/x", "list/z", "list/é",
	}
	for _, i := range rand.Perm(len(names)) {
		Put(t, b, names[i], []byte(names[i]))
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

func testListStopped(t *testing.T, b bucket.Bucket) {
	for i := range 4 {
		Put(t, b, fmt.Sprintf("stopped/%d/%d", i/2, i), nil)
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

func testChecksum(t *testing.T, b bucket.Bucket) {
	for i, data := range [][]byte{nil, []byte("123456789"), RandomBytes(100_000)} {
		name := fmt.Sprint("checksum/", i)
		Put(t, b, name, data)
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

func testCompose(t *testing.T, b bucket.Bucket) {
	var parts []string
	var contents []byte
	for i := range 40 {
		name := fmt.Sprintf("compose/part-%02d", i)
		data := RandomBytes(i * 10)
		Put(t, b, name, data)
		parts = append(parts, name)
		contents = append(contents, data...)
	}
	offset := func(n int) int { return 10 * n * (n - 1) / 2 }
	for _, n := range []int{0, 1, 3, composed, composed + 1, 40} {
		name := fmt.Sprintf("compose/of-%d", n)
		if err := b.Compose(t.Context(), name, parts[:n]); err != nil {
			t.Errorf("composing %d parts: %v", n, err)
			continue
		}
		if got := Get(t, b, name); !bytes.Equal(got, contents[:offset(n)]) {
			t.Errorf("%d parts: the object's %d bytes differ from the %d bytes of its parts", n, len(got), offset(n))
		}
		if err := b.Compose(t.Context(), name, parts[:1]); !errors.Is(err, bucket.ErrExists) {
			t.Errorf("composing %s again: %v, want ErrExists", name, err)
		}
		if err := b.Compose(t.Context(), name, parts); !errors.Is(err, bucket.ErrExists) {
			t.Errorf("composing %s again, of 40: %v, want ErrExists", name, err)
		}
		if got := Get(t, b, name); !bytes.Equal(got, contents[:offset(n)]) {
			t.Errorf("%s has changed", name)
		}
	}
	// A part may occur more than once.
	if err := b.Compose(t.Context(), "compose/twice", []string{parts[1], parts[1]}); err != nil {
		t.Error(err)
	} else if got, want := Get(t, b, "compose/twice"), bytes.Repeat(Get(t, b, parts[1]), 2); !bytes.Equal(got, want) {
		t.Errorf("a part composed with itself: %d bytes, want %d", len(got), len(want))
	}
	for _, part := range parts {
		if _, err := b.Stat(t.Context(), part); err != nil {
			t.Errorf("a part was removed: %v", err)
		}
	}
}

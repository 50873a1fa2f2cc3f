package buckettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
)

func testComposeRefusals(t *testing.T, b bucket.Bucket) {
	Put(t, b, "refusals/part", []byte("part"))
	for _, missing := range []string{"refusals/missing", "../part", ""} {
		err := b.Compose(t.Context(), "refusals/whole", []string{"refusals/part", missing})
		if !errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("a part %q: %v, want ErrNotExist", missing, err)
		}
	}
	MustBeAbsent(t, b, "refusals/whole")
	if err := b.Compose(t.Context(), "../whole", []string{"refusals/part"}); !errors.Is(err, bucket.ErrName) {
		t.Errorf("a bad name: %v, want ErrName", err)
	}
}

func testFailingWrite(t *testing.T, b bucket.Bucket) {
	wrong := errors.New("wrong")
	for i, size := range []int{0, 10, chunk + 1, 2*chunk + 5} {
		name := fmt.Sprint("failing/", i)
		err := b.Create(t.Context(), name, func(w io.Writer) error {
			if _, err := w.Write(RandomBytes(size)); err != nil {
				t.Error(err)
			}
			return wrong
		})
		if err != wrong {
			t.Errorf("%d bytes and an error: %v, want that error", size, err)
		}
		MustBeAbsent(t, b, name)
		func() {
			defer func() { recover() }()
			b.Create(t.Context(), name, func(w io.Writer) error {
				w.Write(RandomBytes(size))
				panic("writer")
			})
		}()
		MustBeAbsent(t, b, name)
		Put(t, b, name, []byte("right"))
	}
}

func testNamesRefused(t *testing.T, b bucket.Bucket) {
	for _, name := range BadNames() {
		err := b.Create(t.Context(), name, func(io.Writer) error {
			t.Errorf("%q is written", name)
			return nil
		})
		if !errors.Is(err, bucket.ErrName) {
			t.Errorf("creating %q: %v, want ErrName", name, err)
		}
	}
	for _, name := range goodNames {
		Put(t, b, name, nil)
	}
}

// BadNames returns names that no object can have.
func BadNames() []string {
	return []string{
		"", "/", ".", "..", "/a", "a/", "a//b", "./a", "a/.", "a/./b", "../a", "a/..", "a/../b", "a/../../b",
		"a\x00b", "a\nb", "a\rb", `a\b`, "a\xffb", ".tmp", ".TMP/a",
		strings.Repeat("a/", 512) + "a", strings.Repeat("é", 128),
	}
}

// goodNames are names that Create accepts. The fake storage on disk does not accept longer elements.
var goodNames = []string{
	"...", ".tmpx", "b/.tmp", " ", "~", "C:", "%2e%2e", "a b+c?d#e", strings.Repeat("é", 100),
	strings.Repeat("a/", 511) + "aa",
}

func testMissingObjects(t *testing.T, b bucket.Bucket) {
	Put(t, b, "there/object", nil)
	absent := []string{"nothing", "there", "there/", "there/object/below", "there/" + strings.Repeat("a", 300)}
	for _, name := range append(absent, BadNames()...) {
		MustBeAbsent(t, b, name)
	}
}

func testOneWinner(t *testing.T, b bucket.Bucket) {
	const writers = 16
	errs := make([]error, writers)
	contents := make([][]byte, writers)
	var done sync.WaitGroup
	for i := range writers {
		contents[i] = bytes.Repeat([]byte{byte(i)}, 10_000+i)
		done.Go(func() { errs[i] = b.Create(t.Context(), "winner/new/object", Content(string(contents[i]))) })
	}
	done.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, bucket.ErrExists):
			t.Errorf("writer %d: %v, want ErrExists", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	if got := Get(t, b, "winner/new/object"); !bytes.Equal(got, contents[winner]) {
		t.Errorf("the object is not what writer %d wrote", winner)
	}
}

// testNoPartialObject reads an object while it is written: either it does not exist, or it is complete.
func testNoPartialObject(t *testing.T, b bucket.Bucket) {
	const name = "halves/object"
	want := RandomBytes(1 << 20)
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
				} else if !errors.Is(err, bucket.ErrNotExist) {
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

func testCancelled(t *testing.T, b bucket.Bucket) {
	Put(t, b, "cancelled/object", RandomBytes(chunk))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := b.Open(ctx, "cancelled/object", 0, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = b.Create(ctx, "cancelled/new", func(w io.Writer) error {
		cancel()
		_, err := w.Write(RandomBytes(2*chunk + 1))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Create: %v, want Canceled", err)
	}
	_, errRead := io.ReadAll(r)
	_, errStat := b.Stat(ctx, "cancelled/object")
	_, errOpen := b.Open(ctx, "cancelled/object", 0, 0, -1)
	_, errSum := b.Checksum(ctx, "cancelled/object")
	errCreate := b.Create(ctx, "cancelled/new", Content("new"))
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
	MustBeAbsent(t, b, "cancelled/new")
}

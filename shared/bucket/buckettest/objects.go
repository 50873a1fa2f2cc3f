package buckettest

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/harvest-ml/harvest/shared/bucket"
)

// Put creates an object.
func Put(t testing.TB, b bucket.Bucket, name string, data []byte) {
	t.Helper()
	if err := b.Create(t.Context(), name, Content(string(data))); err != nil {
		t.Fatalf("creating %q: %v", name, err)
	}
}

// Get reads an object whole.
func Get(t testing.TB, b bucket.Reader, name string) []byte {
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

// MustBeAbsent checks that a reader finds no object of that name.
func MustBeAbsent(t testing.TB, b bucket.Reader, name string) {
	t.Helper()
	if _, err := b.Stat(t.Context(), name); !errors.Is(err, bucket.ErrNotExist) {
		t.Errorf("Stat(%q): %v, want ErrNotExist", name, err)
	}
	if _, err := b.Checksum(t.Context(), name); !errors.Is(err, bucket.ErrNotExist) {
		t.Errorf("Checksum(%q): %v, want ErrNotExist", name, err)
	}
	for _, length := range []int64{-1, 0, 1} {
		if _, err := b.Open(t.Context(), name, 0, 0, length); !errors.Is(err, bucket.ErrNotExist) {
			t.Errorf("Open(%q), %d bytes: %v, want ErrNotExist", name, length, err)
		}
	}
	for attrs, err := range b.List(t.Context(), name, "") {
		if attrs.Name == name || err != nil {
			t.Errorf("List(%q) yields %+v, %v", name, attrs, err)
		}
	}
}

// Content returns a function for Create that writes data.
func Content(data string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, data)
		return err
	}
}

// RandomBytes returns n bytes that cannot be compressed. Each call with the same n returns the same bytes.
func RandomBytes(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data)
	return data
}

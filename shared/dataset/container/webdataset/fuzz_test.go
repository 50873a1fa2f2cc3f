package webdataset_test

import (
	"archive/tar"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container/webdataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// FuzzArchive reads arbitrary bytes as an archive. The archive is refused, or its records are read with their images.
// Then a subset of the records without a fault must be an archive with the same records.
func FuzzArchive(f *testing.F) {
	f.Add([]byte{})
	whole := archive(f, file("a.jpg", "A"), file("a.json", `{"image": "a.jpg"}`), file("./b/c.txt", "B"))
	f.Add(whole)
	f.Add(whole[:700])
	f.Add(archive(f, &tar.Header{Name: "a.jpg", Typeflag: tar.TypeLink, Linkname: "b"}, file("a.json", "[]")))
	f.Fuzz(func(t *testing.T, content []byte) {
		from := source(content)
		layout, err := scan(t, from, 1000, math.MaxInt64)
		if format, refused := errors.AsType[*dataset.FormatError](err); refused && format.Detail != "" {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		steps, err := scan(t, from, 1000, 1)
		if diff := cmp.Diff(layout, steps); diff != "" || err != nil {
			t.Fatalf("%v: in steps (-whole +steps):\n%s", err, diff)
		}
		end := int64(0)
		for _, r := range records(t, from, 1000) {
			if r.Stored.Offset < end || r.Stored.End() > int64(len(from)) {
				t.Fatalf("%s lies at %+v, and the one before ends at %d", r.Place, r.Stored, end)
			}
			end = r.Stored.End()
			if r.Fault != nil {
				continue
			}
			shown(t, from, r)
			if jsontext.SyntaxError(r.Raw) == nil {
				checkAlone(t, from, r)
			}
		}
	})
}

// checkAlone checks that an archive with only this sample has the same record.
func checkAlone(t *testing.T, from source, r dataset.Record) {
	t.Helper()
	var alone archiveBuffer
	kind := webdataset.Kind()
	if _, err := kind.Part(t.Context(), &alone, from, []dataset.Record{r}, dataset.Part{First: true}); err != nil {
		t.Fatal(err)
	}
	if err := kind.End(&alone, nil); err != nil {
		t.Fatal(err)
	}
	got := records(t, source(alone), 1000)
	if len(got) != 1 || string(got[0].Raw) != string(r.Raw) || got[0].Place.Key != r.Place.Key {
		t.Fatalf("alone it is read as %v, and was %v", got, r)
	}
}

// An archiveBuffer keeps the bytes that are written.
type archiveBuffer []byte

func (b *archiveBuffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

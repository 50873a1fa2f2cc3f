package webdataset

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// blockBytes is what headers and data are padded to.
const blockBytes = 512

// A member is a file of a sample.
type member struct {
	name           string // in the archive
	field          string // what follows the key, in lower case
	dataset.Extent        // of its data
	content        []byte // of text, as far as it is kept
}

// A sample is the members of one key that follow each other.
type sample struct {
	key            string
	dataset.Extent // from the header of the first member to the end of the last one
	members        []member
	fault          *dataset.Fault // of a member
}

// maxMembers is the most members of a sample.
const maxMembers = 10_000

// textBytes is how long the members are that the record is made of.
func (s *sample) textBytes() (total int64) {
	for _, m := range s.members {
		if isText(m.field) {
			total += m.Bytes
		}
	}
	return total
}

// A walker passes an archive from the header of a sample on.
type walker struct {
	tar    *tar.Reader
	in     *counter
	limits *dataset.Limits // of the text that is kept; nil keeps none
	start  int64           // offset of the last member's header
	end    int64           // offset after the last member
	begun  *sample         // whose last member may not have come yet
	ended  bool            // all samples are returned
}

func newWalker(r io.Reader, offset int64, limits *dataset.Limits) *walker {
	in := &counter{in: bufio.NewReaderSize(r, 256<<10), n: offset}
	return &walker{tar: tar.NewReader(in), in: in, limits: limits, end: offset}
}

// next returns the next sample, and io.EOF after the last one. A *dataset.FormatError is a fault of the archive as a
// whole; other errors are those of the reader.
func (w *walker) next() (*sample, error) {
	for !w.ended {
		start := w.end
		header, err := w.tar.Next()
		if err != nil {
			return w.endAt(start, err)
		}
		if isSparse(header) {
			return nil, &dataset.FormatError{Offset: start, Detail: fmt.Sprintf("its member %s is a sparse file, whose holes "+
				"are not in the archive; write the archive without tar --sparse", jsontext.Quote(header.Name, quoted))}
		}
		m := member{name: header.Name, Extent: dataset.Extent{Offset: w.in.n}}
		if typeNames[header.Typeflag] == "" {
			m.Bytes = header.Size
		}
		w.start, w.end = start, (m.End()+blockBytes-1)/blockBytes*blockBytes
		key, field, ok := splitName(header.Name)
		if !ok || header.Typeflag == tar.TypeDir || header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		m.field = field
		before := w.join(key, start)
		if err := w.take(m, header); err != nil {
			return nil, err
		}
		if before != nil {
			return before, nil
		}
	}
	return w.last()
}

// endAt returns the last sample of an archive whose next header, at start, is not read for an error.
func (w *walker) endAt(start int64, err error) (*sample, error) {
	switch {
	case w.in.err != nil:
		return nil, w.in.err
	case err == io.EOF && w.end <= w.in.n:
		w.ended = true
		if err := w.checkRest(); err != nil {
			return nil, err
		}
		return w.last()
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		w.ended = true
		return w.cutShort(start)
	default:
		return nil, &dataset.FormatError{Offset: start, Detail: fmt.Sprintf("the archive is damaged at byte %d (%v); "+
			"copy it again, or write it anew", start, err)}
	}
}

// last returns the sample that has begun, once.
func (w *walker) last() (*sample, error) {
	if s := w.begun; s != nil {
		w.begun = nil
		return s, nil
	}
	return nil, io.EOF
}

// join begins a sample with the member at start, unless it has the key of the one that has begun. It returns a sample
// that has ended.
func (w *walker) join(key string, start int64) *sample {
	before := w.begun
	if before != nil && before.key == key {
		return nil
	}
	w.begun = &sample{key: key, Extent: dataset.Extent{Offset: start}}
	return before
}

// take adds a member to the sample that has begun.
func (w *walker) take(m member, header *tar.Header) error {
	s := w.begun
	s.Bytes = w.end - s.Offset
	if s.fault != nil { // its other members do not matter
		return nil
	}
	switch what := typeNames[header.Typeflag]; {
	case what != "":
		s.fault = unusable(m.name, "it is "+what+"; put the file itself into the archive, as tar --dereference does")
	case len(s.members) == maxMembers:
		s.fault = unusable(m.name, fmt.Sprintf("%d members have the key %s, which is their name up to the first dot; name "+
			"the members of another sample otherwise", maxMembers, jsontext.Quote(s.key, quoted)))
		s.members = nil
	case slices.ContainsFunc(s.members, func(other member) bool { return other.field == m.field }):
		s.fault = unusable(m.name, "the archive has two members of this name, one after the other; keep one of them")
	}
	if s.fault != nil {
		return nil
	}
	if w.limits != nil && isText(m.field) && s.textBytes()+m.Bytes <= int64(w.limits.MaxRecordBytes) {
		m.content = make([]byte, 0, min(m.Bytes, blockBytes<<10)) // grows with what is there, whatever the header says
		content, err := readInto(m.content, w.tar)
		switch {
		case w.in.err != nil:
			return w.in.err
		case err != nil && !errors.Is(err, io.ErrUnexpectedEOF): // a member that is cut short is found by its extent
			return err
		}
		m.content = content
	}
	s.members = append(s.members, m)
	return nil
}

// cutShort ends an archive that ends too early: in the last member of a sample, or else in what follows it, which is a
// sample that is not known then.
func (w *walker) cutShort(start int64) (*sample, error) {
	if s := w.begun; s != nil && s.End() > w.in.n {
		s.Bytes = w.in.n - s.Offset
		if s.fault == nil {
			last := s.members[len(s.members)-1]
			s.fault = unusable(last.name, fmt.Sprintf("the archive is cut short in it, at byte %d; copy it whole", w.in.n))
		}
		return w.last()
	}
	before := w.begun
	if start >= w.in.n { // in a member that belongs to no sample
		start = w.start
	}
	w.begun = &sample{
		Extent: dataset.Extent{Offset: start, Bytes: w.in.n - start},
		fault: unusable("", fmt.Sprintf("the archive is cut short between two samples, at byte %d; copy it whole",
			w.in.n)),
	}
	if before != nil {
		return before, nil
	}
	return w.last()
}

// checkRest refuses an archive in which more follows its end: programs that read it take none of that.
func (w *walker) checkRest() error {
	buffer := make([]byte, 32<<10)
	for {
		n, err := w.in.Read(buffer)
		for i, b := range buffer[:n] {
			if b != 0 {
				at := w.in.n - int64(n) + int64(i)
				return &dataset.FormatError{Offset: at, Detail: fmt.Sprintf("the archive ends, and at byte %d more follows, as "+
					"when archives are joined with cat; give them as files of their own, or join them with tar --concatenate", at)}
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// splitName is the key and the field of a member by its name. It reports false for one that belongs to no sample.
func splitName(name string) (key, field string, ok bool) {
	folder, base := path.Split(name)
	stem, field, found := strings.Cut(base, ".")
	if !found || stem == "" || field == "" {
		return "", "", false
	}
	for strings.HasPrefix(folder, "./") {
		folder = strings.TrimLeft(folder[2:], "/")
	}
	return folder + stem, strings.ToLower(field), true
}

// typeNames are what members are that have no data.
var typeNames = map[byte]string{
	tar.TypeLink: "a hard link", tar.TypeSymlink: "a symbolic link", tar.TypeChar: "a device", tar.TypeBlock: "a device",
	tar.TypeFifo: "a pipe", tar.TypeDir: "a folder",
}

// isSparse reports whether the data of a member are less than its size.
func isSparse(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return header.Typeflag == tar.TypeGNUSparse
}

// A counter counts what is read, and keeps an error of reading, so that it is distinguished from one of the content.
type counter struct {
	in  io.Reader
	n   int64
	err error
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// readInto appends all of r to b.
func readInto(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		} else if err != nil {
			return b, err
		}
	}
}

package webdataset

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// blockBytes is the size of a block; headers and data are padded to whole blocks.
const blockBytes = 512

// A member is a file of a sample.
type member struct {
	name           string // in the archive
	field          string // the name after the key, in lower case
	dataset.Extent        // position of its data
	content        []byte // content of a text member, if it is kept
}

// A sample is a sequence of members with the same key.
type sample struct {
	key            string
	dataset.Extent // from the header of the first member to the end of the last member
	members        []member
	textBytes      int64          // total size of the members from which the record is made
	fault          *dataset.Fault // fault of a member
}

// maxMembers is the largest number of members of a sample.
const maxMembers = 10_000

// A walker reads the samples of an archive. It begins at the header of a sample.
type walker struct {
	tar    *tar.Reader
	in     *counter
	limits *dataset.Limits // limits of the text; if nil, text is not kept
	start  int64           // offset of the header of the member that was read last
	end    int64           // offset after this member
	begun  *sample         // current sample, which may get further members
	fields []string        // fields of the sample before the current one
	ended  bool            // the end of the archive was found
	// left is the number of samples of the span that are not returned yet. The archive may continue after these samples.
	left int64
}

func newWalker(r io.Reader, offset int64, limits *dataset.Limits) *walker {
	in := &counter{in: bufio.NewReaderSize(r, 256<<10), n: offset}
	return &walker{tar: tar.NewReader(in), in: in, limits: limits, end: offset, left: math.MaxInt64}
}

// next returns the next sample, and io.EOF after the last sample. A *dataset.FormatError is a fault of the archive as a
// whole; other errors are those of the reader.
func (w *walker) next() (*sample, error) {
	for !w.ended {
		start := w.end
		end, err := w.findEnd()
		if err != nil {
			return nil, err
		}
		switch end {
		case marked:
			w.ended = true
			if err := w.checkRest(); err != nil {
				return nil, err
			}
			return w.last()
		case unmarked:
			w.ended = true
			return w.cutShort(start)
		case noEnd:
		}
		header, err := w.tar.Next()
		if err != nil {
			return w.endAt(start, err)
		}
		if isSparse(header) {
			return nil, &dataset.FormatError{Offset: start, Detail: fmt.Sprintf("the member %s is a sparse file, whose holes "+
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

// An archiveEnd is the content at the place of the next header.
type archiveEnd int

const (
	noEnd    archiveEnd = iota // a header
	marked                     // a block of zeros
	unmarked                   // no bytes, or less than a block
)

// findEnd skips the rest of the last member, and checks if the archive ends after it. An archive ends with two blocks
// of zeros; one block is enough to know that no sample is missing. An archive without them is incomplete. GNU tar,
// Python's tarfile and archive/tar do not report this.
func (w *walker) findEnd() (archiveEnd, error) {
	_, err := io.Copy(io.Discard, w.tar)
	switch {
	case w.in.err != nil:
		return noEnd, w.in.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return unmarked, nil
	case err != nil:
		return noEnd, err
	}
	padding := int(w.end - w.in.n)
	next, err := w.in.peek(padding + blockBytes)
	switch {
	case err == io.EOF:
		w.in.skip(len(next))
		return unmarked, nil
	case err != nil:
		return noEnd, err
	case bytes.Equal(next[padding:], make([]byte, blockBytes)):
		w.in.skip(len(next))
		return marked, nil
	}
	return noEnd, nil
}

// endAt handles an error of reading the next header, which begins at start. If the archive ends there, it returns the
// last sample.
func (w *walker) endAt(start int64, err error) (*sample, error) {
	switch {
	case w.in.err != nil:
		return nil, w.in.err
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF): // inside a header of several blocks, which a long name needs
		w.ended = true
		return w.cutShort(start)
	default:
		return nil, &dataset.FormatError{Offset: start, Detail: fmt.Sprintf("the archive is damaged at byte %d (%v); "+
			"copy it again, or write it again", start, err)}
	}
}

// last returns the current sample, once; then io.EOF.
func (w *walker) last() (*sample, error) {
	if s := w.begun; s != nil {
		w.begun = nil
		return s, nil
	}
	return nil, io.EOF
}

// join begins a new sample with the member at start, unless the member has the key of the current sample. It returns
// the previous sample, which is then complete, or nil.
func (w *walker) join(key string, start int64) *sample {
	before := w.begun
	if before != nil && before.key == key {
		return nil
	}
	w.begun = &sample{key: key, Extent: dataset.Extent{Offset: start}}
	if before != nil {
		w.fields = w.fields[:0]
		for _, m := range before.members {
			w.fields = append(w.fields, m.field)
		}
	}
	return before
}

// take adds a member to the current sample.
func (w *walker) take(m member, header *tar.Header) error {
	s := w.begun
	s.Bytes = w.end - s.Offset
	if s.fault != nil { // the sample fails, so its other members are not needed
		return nil
	}
	switch what := typeNames[header.Typeflag]; {
	case what != "":
		s.fault = unusable(m.name, "the member is "+what+"; put the file itself into the archive, as tar --dereference does")
	case len(s.members) == maxMembers:
		s.fault = unusable(m.name, fmt.Sprintf("%d members have the key %s, their name up to the first dot; use one key "+
			"for the members of one sample, and another key for each other sample", maxMembers, jsontext.Quote(s.key, quoted)))
		s.members = nil
	case slices.ContainsFunc(s.members, func(other member) bool { return other.field == m.field }):
		s.fault = unusable(m.name, "the archive has this name twice in one sample; keep one of the two members")
	}
	if s.fault != nil {
		return nil
	}
	if isText(m.field) {
		s.textBytes += m.Bytes
	}
	if w.limits != nil && isText(m.field) && s.textBytes <= int64(w.limits.MaxRecordBytes) {
		m.content = make([]byte, 0, min(m.Bytes, blockBytes<<10)) // grows with the bytes: the size in the header may be wrong
		content, err := readInto(m.content, w.tar)
		switch {
		case w.in.err != nil:
			return w.in.err
		case err != nil && !errors.Is(err, io.ErrUnexpectedEOF): // an incomplete member is found later by its extent
			return err
		}
		m.content = content
	}
	s.members = append(s.members, m)
	return nil
}

// cutShort handles an archive that ends too early. If the archive ends in the last member of a sample, this sample
// fails. Otherwise the next sample may be missing; a failed sample is then returned for the missing one.
func (w *walker) cutShort(start int64) (*sample, error) {
	if s := w.begun; s != nil && s.End() > w.in.n {
		s.Bytes = w.in.n - s.Offset
		if s.fault == nil {
			last := s.members[len(s.members)-1]
			s.fault = unusable(last.name, fmt.Sprintf("the archive is cut short in this member, at byte %d; copy the whole "+
				"archive", w.in.n))
		}
		return w.last()
	}
	if w.left == 1 && w.begun != nil && start == w.in.n { // the end of the span
		return w.last()
	}
	before := w.begun
	detail := fmt.Sprintf("the archive is cut short between two samples, at byte %d; copy it whole", w.in.n)
	if start == w.in.n {
		detail = fmt.Sprintf("the archive ends at byte %d without the final blocks of zeros: it is cut short between "+
			"two samples, or was never finished; copy it whole, or, if no sample is missing, finish it with "+
			"`head -c %d /dev/zero >> FILE`", w.in.n, endBytes)
	} else if start > w.in.n { // the archive ends in a member that belongs to no sample
		start = w.start
	}
	w.begun = &sample{
		Extent: dataset.Extent{Offset: start, Bytes: w.in.n - start}, fault: unusable("", detail),
	}
	if before != nil {
		if field := w.lacks(before); field != "" {
			before.fault = unusable(before.members[len(before.members)-1].name, fmt.Sprintf("the archive is cut short after "+
				"this member, at byte %d, and a member %s may be missing: the previous sample has one; copy the archive whole",
				w.in.n, field))
		}
		return before, nil
	}
	return w.last()
}

// lacks returns the first field that the previous sample has and this sample lacks. The archive may have been cut
// before this field. It returns "" if no field is missing, or if the fields differ in another way.
func (w *walker) lacks(s *sample) string {
	if s.fault != nil || len(s.members) >= len(w.fields) {
		return ""
	}
	rest := slices.Clone(w.fields)
	for _, m := range s.members {
		i := slices.Index(rest, m.field)
		if i < 0 {
			return ""
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return rest[0]
}

// checkRest refuses an archive with more content after its end, because other programs do not read this content.
func (w *walker) checkRest() error {
	buffer := make([]byte, blockBytes)
	for {
		n, err := io.ReadFull(w.in, buffer)
		i := slices.IndexFunc(buffer[:n], func(b byte) bool { return b != 0 })
		switch {
		case w.in.err != nil:
			return w.in.err
		case i >= 0 && isTar(buffer[:n]):
			at := w.in.n - int64(n)
			return &dataset.FormatError{Offset: at, Detail: fmt.Sprintf("another archive follows the archive's end at byte %d, "+
				"as after joining archives with cat; give the archives as separate files, or join them with tar --concatenate", at)}
		case i >= 0:
			at := w.in.n - int64(n) + int64(i)
			return &dataset.FormatError{Offset: at, Detail: fmt.Sprintf("other content follows the end of the archive, "+
				"at byte %d; copy the archive again, or remove the rest (`head -c %d` keeps the archive)", at,
				at/blockBytes*blockBytes)}
		case err != nil:
			return nil
		}
	}
}

// splitName splits a member's name into key and field. ok is false if the member belongs to no sample.
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

// typeNames are the names of the kinds of members that have no data.
var typeNames = map[byte]string{
	tar.TypeLink: "a hard link", tar.TypeSymlink: "a symbolic link", tar.TypeChar: "a device", tar.TypeBlock: "a device",
	tar.TypeFifo: "a pipe", tar.TypeDir: "a folder",
}

// isSparse reports whether a member contains less data than its size.
func isSparse(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return header.Typeflag == tar.TypeGNUSparse
}

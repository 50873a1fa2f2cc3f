package bucket

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ReadAll reads a whole object.
func ReadAll(ctx context.Context, b Reader, name string) ([]byte, error) {
	r, err := b.Open(ctx, name, 0, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}

// ReadJSON reads a whole object as JSON into v; ErrDamaged if it is not JSON.
func ReadJSON(ctx context.Context, b Reader, name string, v any) error {
	data, err := ReadAll(ctx, b, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("reading %s: %w: %w", name, ErrDamaged, err)
	}
	return nil
}

// Exists reports whether an object has this name.
func Exists(ctx context.Context, b Reader, name string) (bool, error) {
	switch _, err := b.Stat(ctx, name); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("looking for %s: %w", name, err)
	}
}

// Marked reports whether the object with this name exists. Writers always create it before another object, the
// follower. So if only the follower exists, the object was lost, and the error is ErrNotExist.
func Marked(ctx context.Context, b Reader, name, follower string) (bool, error) {
	if there, err := Exists(ctx, b, name); there || err != nil {
		return there, err
	}
	if followed, err := Exists(ctx, b, follower); !followed || err != nil {
		return false, err
	}
	// Both may have been created after the first check.
	if there, err := Exists(ctx, b, name); there || err != nil {
		return there, err
	}
	return false, fmt.Errorf("looking for %s: %w, but %s exists", name, ErrNotExist, follower)
}

// writeBuffer is the number of bytes that Buffered collects.
const writeBuffer = 32 << 10

// Buffered calls write with a buffer before w, and then writes the rest of the buffer. Create of a bucket uses it,
// because templates and encoders of lines write a few bytes at a time. Each write to a file or an upload takes time.
func Buffered(w io.Writer, write func(io.Writer) error) error {
	buffer := bufio.NewWriterSize(w, writeBuffer)
	if err := write(buffer); err != nil {
		return err
	}
	return buffer.Flush()
}

// CreateOnce creates an object unless it exists, and returns true if it created the object.
func CreateOnce(ctx context.Context, b Bucket, name string, write func(io.Writer) error) (bool, error) {
	switch err := b.Create(ctx, name, write); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrExists):
		return false, nil
	default:
		return false, fmt.Errorf("writing %s: %w", name, err)
	}
}

// CreateBytes is CreateOnce for content in memory.
func CreateBytes(ctx context.Context, b Bucket, name string, data []byte) (bool, error) {
	return CreateOnce(ctx, b, name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// CreateJSON is CreateOnce for the value v as indented JSON with a line break at the end.
func CreateJSON(ctx context.Context, b Bucket, name string, v any) (bool, error) {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return false, fmt.Errorf("encoding %s: %w", name, err)
	}
	return CreateBytes(ctx, b, name, append(data, '\n'))
}

// Numbers returns every number n for which an object has the name prefix + n + suffix. n may have leading zeros.
func Numbers(ctx context.Context, b Reader, prefix, suffix string) (map[int]bool, error) {
	found := map[int]bool{}
	for attrs, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", prefix, err)
		}
		number, ok := strings.CutSuffix(attrs.Name[len(prefix):], suffix)
		if n, err := strconv.Atoi(number); ok && err == nil {
			found[n] = true
		}
	}
	return found, nil
}

// HasAll reports whether found has all numbers from first up to, but not including, end.
func HasAll(found map[int]bool, first, end int) bool {
	for number := first; number < end; number++ {
		if !found[number] {
			return false
		}
	}
	return true
}

// Children returns the names of all folders directly below prefix, in ascending order. Objects directly below prefix
// are ignored. A folder costs one list request.
func Children(ctx context.Context, b Reader, prefix string) ([]string, error) {
	folders, err := ChildrenAfter(ctx, b, prefix, "", math.MaxInt)
	slices.Sort(folders)
	return folders, err
}

// ChildrenAfter returns the names of at most limit folders directly below prefix, after the folder cursor. An empty
// cursor starts at the first folder. The order is the order of listings, where "a-b/" comes before "a/".
func ChildrenAfter(ctx context.Context, b Reader, prefix, cursor string, limit int) ([]string, error) {
	var folders []string
	for len(folders) < limit {
		after := ""
		if cursor != "" {
			after = prefix + cursor + "0" // '0' follows '/', so this is after all objects in the folder
		}
		next, err := firstFolder(ctx, b, prefix, after)
		if err != nil {
			return nil, err
		}
		if next == "" {
			break
		}
		folders = append(folders, next)
		cursor = next
	}
	return folders, nil
}

// firstFolder returns the name of the first folder directly below prefix with an object that List lists after the name
// in the parameter after; empty if there is none.
func firstFolder(ctx context.Context, b Reader, prefix, after string) (string, error) {
	for attrs, err := range b.List(ctx, prefix, after) {
		if err != nil {
			return "", fmt.Errorf("listing %s: %w", prefix, err)
		}
		if folder, _, ok := strings.Cut(attrs.Name[len(prefix):], "/"); ok && folder != "" {
			return folder, nil
		}
	}
	return "", nil
}

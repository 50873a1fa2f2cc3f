package subset

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/harvest-ml/harvest/shared/bucket"
	"github.com/harvest-ml/harvest/shared/run"
	"github.com/harvest-ml/harvest/shared/selection"
)

// A NearMiss names the capability and the bin for which an outranked sample was nearest to being picked.
type NearMiss struct {
	// Capability and Bin are the capability and the bin of the compared candidates; empty for a strategy without turns.
	Capability string `json:"capability,omitempty"`
	Bin        string `json:"bin,omitempty"`
	// Rank is the sample's position, from 1, in the order in which the capability takes the candidates of the bin; without
	// turns, in the order of the strategy. Last is the last position that was taken; 0 if no candidate was taken.
	Rank uint32 `json:"rank"`
	Last uint32 `json:"last"`
}

// String returns the near miss as text.
func (m NearMiss) String() string { return string(m.appendText(nil)) }

func (m NearMiss) appendText(text []byte) []byte {
	text = strconv.AppendUint(append(text, "number "...), uint64(m.Rank), 10)
	if m.Bin == "" {
		text = append(text, " in the order of the strategy, where "...)
	} else {
		text = append(append(append(text, " for "...), m.Capability...), " in "...)
		text = append(strconv.AppendQuote(text, m.Bin), ", where "...)
	}
	if m.Last == 0 {
		return append(text, "no sample is taken"...)
	}
	return strconv.AppendUint(append(text, "the last sample taken is number "...), uint64(m.Last), 10)
}

// missBytes is the number of bytes of a sample in the object of near misses. They are numbers of 2, 2, 4 and 4 bytes,
// the lowest byte first: the capability (its position in selection.json, or noCapability), the position of the bin's
// style in the sample's styles, the rank, and the last rank that was taken. The rank is 0 if the sample has no near
// miss. Every sample has the same number of bytes, so a range can be read alone.
const (
	missBytes    = 12
	noCapability = math.MaxUint16
)

// writeMisses writes the near misses of n samples.
func writeMisses(w io.Writer, n int, misses *selection.MissList) error {
	block := make([]byte, 0, 4096*missBytes)
	for i := range n {
		miss, _ := misses.At(i)
		block = binary.LittleEndian.AppendUint16(block, uint16(min(miss.Capability, noCapability)))
		block = binary.LittleEndian.AppendUint16(block, uint16(miss.Style))
		block = binary.LittleEndian.AppendUint32(block, miss.Rank)
		block = binary.LittleEndian.AppendUint32(block, miss.Last)
		if len(block) == cap(block) || i == n-1 {
			if _, err := w.Write(block); err != nil {
				return fmt.Errorf("writing near misses: %w", err)
			}
			block = block[:0]
		}
	}
	return nil
}

// A rangeMisses has the near misses of the samples of a range, in the form of the object.
type rangeMisses []byte

// misses reads the near misses of a range.
func (r *Reader) misses(ctx context.Context, plan *run.Plan, id string, number int) (rangeMisses, error) {
	name, rng := missesName(plan.Run, id), plan.Ranges[number]
	data := make(rangeMisses, plan.RangeSamples(number)*missBytes)
	if len(data) == 0 {
		return data, nil
	}
	body, err := r.work.Open(ctx, name, 0, rng.FirstIndex*missBytes, int64(len(data)))
	if err != nil {
		return nil, r.lost(plan.Run, id, err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, data); err != nil {
		return nil, r.lost(plan.Run, id, fmt.Errorf("reading %s: %w: %w", name, bucket.ErrDamaged, err))
	}
	return data, nil
}

// check returns an error if the near miss of the sample at a position names a style that the sample does not have: then
// the object is damaged. styles is the number of styles of the sample.
func (m rangeMisses) check(r *Reader, plan *run.Plan, id string, position, styles int) error {
	row := m[position*missBytes:][:missBytes]
	style := int(binary.LittleEndian.Uint16(row[2:]))
	if binary.LittleEndian.Uint32(row[4:]) == 0 || binary.LittleEndian.Uint16(row) == noCapability || style < styles {
		return nil
	}
	return r.lost(plan.Run, id, fmt.Errorf("reading %s: %w: it names style %d of a sample that has %d",
		missesName(plan.Run, id), bucket.ErrDamaged, style, styles))
}

// at returns the near miss of the sample at a position of the range; false if it has none. capabilities are the
// capabilities of the selection. Bins are stored as positions of their styles. Call check before.
func (m rangeMisses) at(
	position int, capabilities []selection.CapabilityResult, bin func(style int) string,
) (NearMiss, bool) {
	row := m[position*missBytes:][:missBytes]
	miss := NearMiss{Rank: binary.LittleEndian.Uint32(row[4:]), Last: binary.LittleEndian.Uint32(row[8:])}
	if miss.Rank == 0 {
		return NearMiss{}, false
	}
	if c := binary.LittleEndian.Uint16(row); int(c) < len(capabilities) {
		miss.Capability = capabilities[c].Capability
		miss.Bin = bin(int(binary.LittleEndian.Uint16(row[2:])))
	}
	return miss, true
}

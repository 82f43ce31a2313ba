// Reads a log as golang.org/x/mod does: our notes, our tiles, our proofs are right if Go says so.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// input is what the test writes: keys, a signed checkpoint, an older one, an entry with its inclusion proof.
type input struct {
	Key, WitnessName, Checkpoint, Older string
	WitnessPublic                       []byte
	Entries                             [][]byte
	Index                               int64
	Inclusion, Consistency              [][]byte
	Folder                              string
}

// tiles serves the tiles that the log's HTTP interface gave, from a folder.
type tiles string

func (folder tiles) Height() int { return 8 }

func (folder tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range wanted {
		// Go's own paths carry the height, C2SP's do not
		path := strings.Replace(tile.Path(), "tile/8/", "", 1)
		data, err := os.ReadFile(filepath.Join(string(folder), path))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func (folder tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// cosigner verifies C2SP's tlog-cosignature, type 4.
type cosigner struct {
	name string
	key  []byte
}

func (c cosigner) Name() string { return c.name }

func (c cosigner) KeyHash() uint32 {
	sum := sha256.Sum256([]byte(c.name + "\n\x04" + string(c.key)))
	return binary.BigEndian.Uint32(sum[:])
}

func (c cosigner) Verify(message, signature []byte) bool {
	if len(signature) != 72 {
		return false
	}
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), message)
	return ed25519.Verify(c.key, []byte(text), signature[8:])
}

func main() {
	var in input
	check(json.NewDecoder(os.Stdin).Decode(&in))
	log, err := note.NewVerifier(in.Key)
	check(err)
	witness := cosigner{in.WitnessName, in.WitnessPublic}
	opened, err := note.Open([]byte(in.Checkpoint), note.VerifierList(log, witness))
	check(err)
	want(len(opened.Sigs) == 2 && len(opened.UnverifiedSigs) == 0, "both signatures hold")
	tree := treeOf(opened.Text)
	older, err := note.Open([]byte(in.Older), note.VerifierList(log))
	check(err)
	before := treeOf(older.Text)
	check(tlog.CheckRecord(hashes(in.Inclusion), tree.N, tree.Hash, in.Index, tlog.RecordHash(in.Entries[in.Index])))
	check(tlog.CheckTree(hashes(in.Consistency), tree.N, tree.Hash, before.N, before.Hash))
	reader := tlog.TileHashReader(tree, tiles(in.Folder))
	for _, index := range []int64{0, in.Index, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(in.Entries[index])))
	}
	grown, err := tlog.ProveTree(tree.N, before.N, reader)
	check(err)
	check(tlog.CheckTree(grown, tree.N, tree.Hash, before.N, before.Hash))
	bundle, err := os.ReadFile(filepath.Join(in.Folder, "entries", "000"))
	check(err)
	for index := 0; len(bundle) > 0; index++ {
		length := int(binary.BigEndian.Uint16(bundle))
		want(bytes.Equal(bundle[2:2+length], in.Entries[index]), "the bundle holds the entries")
		bundle = bundle[2+length:]
	}
	// the log's own key, as Go reads a signer
	if len(os.Args) > 1 {
		signer, err := note.NewSigner(os.Args[1])
		check(err)
		signed, err := note.Sign(&note.Note{Text: opened.Text}, signer)
		check(err)
		want(strings.HasPrefix(in.Checkpoint, string(signed)), "Go signs the same note")
	}
	fmt.Println("go agrees", tree.N)
}

func treeOf(text string) tlog.Tree {
	lines := strings.Split(text, "\n")
	var tree tlog.Tree
	_, err := fmt.Sscan(lines[1], &tree.N)
	check(err)
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	copy(tree.Hash[:], hash)
	return tree
}

func hashes(raw [][]byte) []tlog.Hash {
	var made []tlog.Hash
	for _, one := range raw {
		var hash tlog.Hash
		copy(hash[:], one)
		made = append(made, hash)
	}
	return made
}

func want(held bool, what string) {
	if !held {
		check(fmt.Errorf("not so: %s", what))
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

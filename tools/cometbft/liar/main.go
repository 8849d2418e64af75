// A validator that lies, for a test: it signs two blocks of one height, and tells every peer of both.
//
// CometBFT's own program cannot do this: it keeps what it signed, and refuses to sign something else. This one has a
// validator's key for votes, and as its own identity a key that the others know. It waits for them to call, keeps no
// block, and takes part in nothing else.
package main

import (
	"flag"
	"log"
	"sync"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/consensus"
	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/tmhash"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cmtconsensus "github.com/cometbft/cometbft/proto/tendermint/consensus"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
	"github.com/cometbft/cometbft/version"
)

var channels = []byte{
	consensus.StateChannel, consensus.DataChannel, consensus.VoteChannel, consensus.VoteSetBitsChannel,
}

type turn struct {
	height int64
	round  int32
}

type liar struct {
	p2p.BaseReactor
	key        crypto.PrivKey
	chain      string
	validators int
	most       int

	mutex sync.Mutex
	turns map[turn][]*cmtproto.Vote
}

func main() {
	chain := flag.String("chain", "", "id of the ledger")
	voteKey := flag.String("vote-key", "", "file with the key that it votes with")
	nodeKey := flag.String("node-key", "", "file with the key of its identity")
	listen := flag.String("listen", "", "where the others call it")
	validators := flag.Int("validators", 4, "how many validators there are")
	turns := flag.Int("turns", 1, "in how many rounds of votes it lies; then it is silent")
	flag.Parse()

	identity, err := p2p.LoadNodeKey(*nodeKey)
	check(err)
	address, err := p2p.NewNetAddressString(p2p.IDAddressString(identity.ID(), *listen))
	check(err)
	info := p2p.DefaultNodeInfo{
		ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 0),
		DefaultNodeID:   identity.ID(),
		ListenAddr:      *listen,
		Network:         *chain,
		Version:         version.TMCoreSemVer,
		Channels:        channels,
		Moniker:         "liar",
		Other:           p2p.DefaultNodeInfoOther{TxIndex: "off", RPCAddress: "tcp://" + *listen},
	}
	p2pConfig := config.DefaultP2PConfig()
	transport := p2p.NewMultiplexTransport(info, *identity, p2p.MConnConfig(p2pConfig))
	check(transport.Listen(*address))

	reactor := &liar{
		key:        privval.LoadFilePVEmptyState(*voteKey, "").Key.PrivKey,
		chain:      *chain,
		validators: *validators,
		most:       *turns,
		turns:      map[turn][]*cmtproto.Vote{},
	}
	reactor.BaseReactor = *p2p.NewBaseReactor("Liar", reactor)
	peers := p2p.NewSwitch(p2pConfig, transport)
	peers.AddReactor("LIAR", reactor)
	peers.SetNodeInfo(info)
	peers.SetNodeKey(identity)
	check(peers.Start())
	select {}
}

// GetChannels returns those by which validators agree on blocks.
func (l *liar) GetChannels() []*p2p.ChannelDescriptor {
	found := make([]*p2p.ChannelDescriptor, 0, len(channels))
	for _, id := range channels {
		found = append(found, &p2p.ChannelDescriptor{
			ID: id, Priority: 5, SendQueueCapacity: 100, RecvMessageCapacity: 1 << 20, MessageType: &cmtconsensus.Message{},
		})
	}
	return found
}

// Receive answers whoever says at which height it is with two votes of that height.
func (l *liar) Receive(envelope p2p.Envelope) {
	step, is := envelope.Message.(*cmtconsensus.NewRoundStep)
	if !is {
		return
	}
	votes := l.votes(turn{step.Height, step.Round})
	for _, vote := range votes {
		// The number of its seat is not signed, and every validator takes the right one only.
		for seat := 0; seat < l.validators; seat++ {
			told := *vote
			told.ValidatorIndex = int32(seat)
			envelope.Src.Send(p2p.Envelope{ChannelID: consensus.VoteChannel, Message: &cmtconsensus.Vote{Vote: &told}})
		}
	}
	if votes != nil {
		log.Printf("told %s two blocks of height %d", envelope.Src.ID(), step.Height)
	}
}

// votes returns the two of a turn: the same for all peers, so that they find one lie and not several.
func (l *liar) votes(at turn) []*cmtproto.Vote {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if found, known := l.turns[at]; known {
		return found
	}
	if len(l.turns) >= l.most {
		return nil
	}
	made := []*cmtproto.Vote{l.vote(at, "one"), l.vote(at, "another")}
	l.turns[at] = made
	return made
}

func (l *liar) vote(at turn, block string) *cmtproto.Vote {
	vote := &cmtproto.Vote{
		Type:   cmtproto.PrevoteType,
		Height: at.height,
		Round:  at.round,
		BlockID: cmtproto.BlockID{
			Hash:          tmhash.Sum([]byte(block)),
			PartSetHeader: cmtproto.PartSetHeader{Total: 1, Hash: tmhash.Sum([]byte(block + " part"))},
		},
		Timestamp:        time.Now().UTC(),
		ValidatorAddress: l.key.PubKey().Address(),
	}
	signature, err := l.key.Sign(types.VoteSignBytes(l.chain, vote))
	check(err)
	vote.Signature = signature
	return vote
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

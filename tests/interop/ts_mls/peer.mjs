// Members of MLS groups who run ts-mls. Each line on stdin is one request in JSON, each line on stdout its answer:
// {"member": "bob", "call": "join", ...} is answered by {"result": ...} or {"error": "..."}. All bytes are in hex.
// Beside it stand the seconds of processor time that the call took.

import { createInterface } from "node:readline"
import {
  branchGroup,
  bytesToBase64,
  createApplicationMessage,
  createCommit,
  createGroup,
  createGroupInfoWithExternalPubAndRatchetTree,
  createProposal,
  decodeMlsMessage,
  defaultCapabilities,
  encodeMlsMessage,
  generateKeyPackageWithKey,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  ciphersuites,
  joinGroup,
  joinGroupExternal,
  joinGroupFromBranch,
  joinGroupFromReinit,
  makePskIndex,
  mlsExporter,
  processPrivateMessage,
  processPublicMessage,
  proposeAddExternal,
  reinitCreateNewGroup,
} from "ts-mls"
import { encode } from "ts-mls/codec/tlsEncoder.js"
import { decodeRatchetTree, ratchetTreeEncoder } from "ts-mls/ratchetTree.js"

const HOUR = 3600n
const DAY = 24n * HOUR

const hex = (bytes) => Buffer.from(bytes).toString("hex")
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"))
const decode = (text) => decodeMlsMessage(bytes(text), 0)[0]
const wrap = (wireformat, field, value) => hex(encodeMlsMessage({ version: "mls10", wireformat, [field]: value }))
const encodeTree = (tree) => hex(encode(ratchetTreeEncoder)(tree))

// RFC 9420 §12.4.3.2 puts an ExternalPub, a vector with its length before it, into the external_pub extension.
// ts-mls 1.6.4 writes and reads the bare key there. These two give it the form of the RFC, and take it back.
function vector(key) {
  const length = key.length < 64 ? [key.length] : [0x40 | (key.length >> 8), key.length & 0xff]
  return new Uint8Array([...length, ...key])
}

function withExternalPub(suite, keySize) {
  const { exportPublicKey, importPublicKey } = suite.hpke
  const exporting = { ...suite.hpke, exportPublicKey: async (key) => vector(await exportPublicKey(key)) }
  const importing = { ...suite.hpke, importPublicKey: (key) => importPublicKey(key.slice(-keySize)) }
  return { exporting: { ...suite, hpke: exporting }, importing: { ...suite, hpke: importing } }
}

class Member {
  #suite
  #forms
  #credential
  #signatureKeys
  #keyPackages = []
  #psks = {}
  #state

  static async create({ identity, suite: id }) {
    const member = new Member()
    const suiteName = Object.keys(ciphersuites).find((key) => ciphersuites[key] === id)
    member.#suite = await getCiphersuiteImpl(getCiphersuiteFromName(suiteName))
    member.#credential = { credentialType: "basic", identity: new TextEncoder().encode(identity) }
    member.#signatureKeys = await member.#suite.signature.keygen()
    const sample = await member.#newKeyPackage()
    member.#forms = withExternalPub(member.#suite, sample.publicPackage.initKey.length)
    return member
  }

  async #newKeyPackage() {
    const now = BigInt(Math.floor(Date.now() / 1000))
    const lifetime = { notBefore: now - HOUR, notAfter: now + DAY }
    return generateKeyPackageWithKey(
      this.#credential,
      defaultCapabilities(),
      lifetime,
      [],
      this.#signatureKeys,
      this.#suite,
    )
  }

  signatureKey() {
    return hex(this.#signatureKeys.publicKey)
  }

  certificates({ chain }) {
    this.#credential = { credentialType: "x509", certificates: chain.map(bytes) }
  }

  get #pskIndex() {
    return makePskIndex(this.#state, this.#psks)
  }

  async keyPackage() {
    const made = await this.#newKeyPackage()
    this.#keyPackages.push(made)
    return wrap("mls_key_package", "keyPackage", made.publicPackage)
  }

  psk({ id, value }) {
    this.#psks[bytesToBase64(bytes(id))] = bytes(value)
  }

  async create({ groupId }) {
    const { publicPackage, privatePackage } = await this.#newKeyPackage()
    this.#state = await createGroup(bytes(groupId), publicPackage, privatePackage, [], this.#suite)
  }

  async join({ welcome, tree }) {
    const { publicPackage, privatePackage } = this.#keyPackages.pop()
    this.#state = await joinGroup(
      decode(welcome).welcome,
      publicPackage,
      privatePackage,
      makePskIndex(undefined, this.#psks),
      this.#suite,
      tree === null ? undefined : decodeRatchetTree(bytes(tree), 0)[0],
    )
  }

  // With keys that the caller has: only a reader, who signs nothing.
  async joinWith({ keyPackage, initKey, leafKey, welcome, tree }) {
    const signaturePrivateKey = this.#signatureKeys.signKey
    const privatePackage = { initPrivateKey: bytes(initKey), hpkePrivateKey: bytes(leafKey), signaturePrivateKey }
    this.#state = await joinGroup(
      decode(welcome).welcome,
      decode(keyPackage).keyPackage,
      privatePackage,
      makePskIndex(undefined, this.#psks),
      this.#suite,
      decodeRatchetTree(bytes(tree), 0)[0],
    )
  }

  // A group that comes out of ours: its founder and those who join are other members of this process, whose keys are
  // for its suite.

  async found({ heir: name, usage, groupId, others }) {
    const heir = members.get(name)
    const { publicPackage, privatePackage } = await heir.#newKeyPackage()
    const packages = others.map((message) => decode(message).keyPackage)
    const founding = [this.#state, publicPackage, privatePackage, packages, bytes(groupId)]
    const { extensions } = this.#state.groupActiveState.reinit ?? {}
    const made = await (usage === "branch"
      ? branchGroup(...founding, heir.#suite)
      : reinitCreateNewGroup(...founding, heir.#suite.name, extensions))
    heir.#state = made.newState
    return wrap("mls_welcome", "welcome", made.welcome)
  }

  async joinLinked({ heir: name, usage, welcome, tree }) {
    const heir = members.get(name)
    const { publicPackage, privatePackage } = heir.#keyPackages.pop()
    const joining = [this.#state, decode(welcome).welcome, publicPackage, privatePackage]
    const nodes = decodeRatchetTree(bytes(tree), 0)[0]
    heir.#state = await (usage === "branch"
      ? joinGroupFromBranch(...joining, nodes, heir.#suite)
      : joinGroupFromReinit(...joining, nodes))
  }

  async proposeToJoin({ groupInfo }) {
    const made = await this.#newKeyPackage()
    this.#keyPackages.push(made)
    const info = decode(groupInfo).groupInfo
    return hex(encodeMlsMessage(await proposeAddExternal(info, made.publicPackage, made.privatePackage, this.#suite)))
  }

  #proposals({ add = [], remove = [], psks = [], resumptions = [], reinit = [] }) {
    const nonce = () => this.#suite.rng.randomBytes(this.#suite.kdf.size)
    const psk = (preSharedKeyId) => ({ proposalType: "psk", psk: { preSharedKeyId } })
    return [
      ...add.map((message) => ({ proposalType: "add", add: { keyPackage: decode(message).keyPackage } })),
      ...remove.map((removed) => ({ proposalType: "remove", remove: { removed } })),
      ...reinit.map(({ groupId, suite, extensions }) => ({
        proposalType: "reinit",
        reinit: {
          groupId: bytes(groupId),
          version: "mls10",
          cipherSuite: Object.keys(ciphersuites).find((key) => ciphersuites[key] === suite),
          extensions: extensions.map(([extensionType, data]) => ({ extensionType, extensionData: bytes(data) })),
        },
      })),
      ...psks.map((id) => psk({ psktype: "external", pskId: bytes(id), pskNonce: nonce() })),
      ...resumptions.map((epoch) =>
        psk({
          psktype: "resumption",
          usage: "application",
          pskGroupId: this.#state.groupContext.groupId,
          pskEpoch: BigInt(epoch),
          pskNonce: nonce(),
        }),
      ),
    ]
  }

  async propose({ asPublic, ...what }) {
    const [proposal] = this.#proposals(what)
    const made = await createProposal(this.#state, asPublic, proposal, this.#suite)
    this.#state = made.newState
    return hex(encodeMlsMessage(made.message))
  }

  async commit({ asPublic, treeInWelcome, ...what }) {
    const context = { state: this.#state, cipherSuite: this.#suite, pskIndex: this.#pskIndex }
    const made = await createCommit(context, {
      extraProposals: this.#proposals(what),
      wireAsPublicMessage: asPublic,
      ratchetTreeExtension: treeInWelcome,
    })
    this.#state = made.newState
    return {
      commit: hex(encodeMlsMessage(made.commit)),
      welcome: made.welcome === undefined ? null : wrap("mls_welcome", "welcome", made.welcome),
    }
  }

  async externalCommit({ groupInfo, resync }) {
    const { publicPackage, privatePackage } = await this.#newKeyPackage()
    const info = decode(groupInfo).groupInfo
    const joined = await joinGroupExternal(info, publicPackage, privatePackage, resync, this.#forms.importing)
    this.#state = joined.newState
    return wrap("mls_public_message", "publicMessage", joined.publicMessage)
  }

  async process({ message }) {
    // Not ts-mls's processMessage: in 1.6.4 it forgets the PSKs where the message is private.
    const { privateMessage, publicMessage } = decode(message)
    const result = await (privateMessage === undefined
      ? processPublicMessage(this.#state, publicMessage, this.#pskIndex, this.#suite)
      : processPrivateMessage(this.#state, privateMessage, this.#pskIndex, this.#suite))
    this.#state = result.newState
    return { data: result.kind === "applicationMessage" ? hex(result.message) : null }
  }

  async protect({ data }) {
    const made = await createApplicationMessage(this.#state, bytes(data), this.#suite)
    this.#state = made.newState
    return wrap("mls_private_message", "privateMessage", made.privateMessage)
  }

  async groupInfo() {
    const info = await createGroupInfoWithExternalPubAndRatchetTree(this.#state, [], this.#forms.exporting)
    return wrap("mls_group_info", "groupInfo", info)
  }

  async facts({ label, context, length }) {
    const { groupContext, keySchedule, ratchetTree } = this.#state
    const exported = await mlsExporter(keySchedule.exporterSecret, label, bytes(context), length, this.#suite)
    return {
      epoch: Number(groupContext.epoch),
      active: this.#state.groupActiveState.kind === "active",
      authenticator: hex(keySchedule.epochAuthenticator),
      exporter: hex(exported),
      tree: encodeTree(ratchetTree),
    }
  }
}

const members = new Map()
const CALLS = new Set(
  [
    "keyPackage psk signatureKey certificates create join propose proposeToJoin commit externalCommit",
    "process protect groupInfo facts found joinLinked joinWith",
  ].flatMap((line) => line.split(" ")),
)

async function answer({ member, call, ...args }) {
  if (call === "member") return void members.set(member, await Member.create({ identity: member, ...args }))
  if (!CALLS.has(call)) throw new Error(`no such call: ${call}`)
  return members.get(member)[call](args)
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  const request = JSON.parse(line)
  const before = process.cpuUsage()
  try {
    reply = { result: (await answer(request)) ?? null }
  } catch (error) {
    reply = { error: `${error.name}: ${error.message}` }
  }
  const { user, system } = process.cpuUsage(before)
  process.stdout.write(`${JSON.stringify({ ...reply, cpu: (user + system) / 1e6 })}\n`)
}

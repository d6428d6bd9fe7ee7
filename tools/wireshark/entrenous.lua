-- Wireshark dissector for the Entrenous channel (docs/spec/channel.md): the preface, the two handshake messages with
-- their fields, and the records by length. It finds connections on any port by their preface, and has no keys: what a
-- record carries is for `entrenous pcap --keylog`. How to install it: docs/how-to/wireshark.md.

local entrenous = Proto("entrenous", "Entrenous channel")

local PORT = 7443
local MAGIC, PREFACE_SIZE, VERSION = "ENTR", 6, 1
local HEADER_SIZE, TAG_SIZE = 2, 16
-- A record is a kind and a tag at the least.
local LEAST_RECORD, MOST_SECOND_MESSAGE = 1 + TAG_SIZE, 8192
local SUITE_NAMES = {
    [1] = "hybrid: Noise_NXhfs_25519+MLKEM768_AESGCM_SHA256",
    [2] = "classic: Noise_NX_FFDHE2048_AESGCM_SHA256",
}
-- Bytes of a Diffie-Hellman key, and of ML-KEM-768's key and ciphertext where the suite has them.
local SUITES = {
    [1] = { dh = 32, kem_key = 1184, kem_ciphertext = 1088 },
    [2] = { dh = 256, kem_key = 0, kem_ciphertext = 0 },
}

local f = {
    kind = ProtoField.string("entrenous.kind", "Kind"),
    from_client = ProtoField.bool("entrenous.from_client", "From the client"),
    magic = ProtoField.string("entrenous.preface.magic", "Magic"),
    version = ProtoField.uint8("entrenous.preface.version", "Version"),
    suite = ProtoField.uint8("entrenous.preface.suite", "Suite", base.DEC, SUITE_NAMES),
    length = ProtoField.uint16("entrenous.length", "Length"),
    e = ProtoField.bytes("entrenous.handshake.e", "e: ephemeral public key"),
    e1 = ProtoField.bytes("entrenous.handshake.e1", "e1: ML-KEM-768 encapsulation key"),
    ekem1 = ProtoField.bytes("entrenous.handshake.ekem1", "ekem1: ML-KEM-768 ciphertext, encrypted"),
    s = ProtoField.bytes("entrenous.handshake.s", "s: static public key, encrypted"),
    certificate = ProtoField.bytes("entrenous.handshake.certificate", "Certificate, encrypted"),
    record = ProtoField.bytes("entrenous.record", "Record, encrypted"),
    tag = ProtoField.bytes("entrenous.record.tag", "AES-256-GCM tag"),
}
entrenous.fields = f

local e = {
    malformed = ProtoExpert.new("entrenous.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR),
    alert = ProtoExpert.new("entrenous.alert", "Alert: its sender gave up", expert.group.SEQUENCE, expert.severity.WARN),
    version = ProtoExpert.new("entrenous.unknown", "Unknown version or suite", expert.group.UNDECODED, expert.severity.NOTE),
}
entrenous.experts = e

local tcp_stream = Field.new("tcp.stream")
-- By TCP stream: who the client is, its suite, and by which bytes each side's first message is known again.
local connections = {}

function entrenous.init()
    connections = {}
end

local function connection_of(pinfo)
    local number = tcp_stream().value
    connections[number] = connections[number] or { first = {} }
    return connections[number]
end

local function sender_of(pinfo)
    return tostring(pinfo.src) .. ":" .. pinfo.src_port
end

-- Whether this frame is the first one of its side. Packets are dissected again and in any order, so it is known by its
-- bytes: it begins with a fresh public key.
local function is_first(connection, side, content, pinfo)
    local begin = content:len() > 0 and content(0, math.min(content:len(), 32)):bytes():tohex() or ""
    if connection.first[side] == nil and not pinfo.visited then
        connection.first[side] = begin
    end
    return connection.first[side] == begin
end

-- Cut `content` into fields of these sizes; false if it is too short. The last field takes the rest.
local function cut(tree, content, parts)
    local place = 0
    for number, part in ipairs(parts) do
        local size = number == #parts and part.size == nil and content:len() - place or part.size
        if size > 0 then
            if place + size > content:len() then
                return false
            end
            tree:add(part.field, content(place, size))
            place = place + size
        end
    end
    return place == content:len()
end

local function first_message(tree, content, suite)
    return cut(tree, content, { { field = f.e, size = suite.dh }, { field = f.e1, size = suite.kem_key } })
end

local function second_message(tree, content, suite)
    local ciphertext = suite.kem_ciphertext > 0 and suite.kem_ciphertext + TAG_SIZE or 0
    return content:len() <= MOST_SECOND_MESSAGE and cut(tree, content, {
        { field = f.e, size = suite.dh },
        { field = f.ekem1, size = ciphertext },
        { field = f.s, size = suite.dh + TAG_SIZE },
        { field = f.certificate },
    })
end

local function record(tree, content)
    if content:len() < LEAST_RECORD then
        return false
    end
    tree:add(f.record, content())
    tree:add(f.tag, content(content:len() - TAG_SIZE, TAG_SIZE))
    return true
end

-- One frame, whole: what it is, as text for the packet list.
local function dissect_frame(range, pinfo, tree, connection, from_client)
    local size = range:len() - HEADER_SIZE
    local suite = SUITES[connection.suite]
    local subtree = tree:add(entrenous, range)
    subtree:add(f.from_client, from_client):set_generated()
    subtree:add(f.length, range(0, HEADER_SIZE))
    local kind, is_well_formed
    if size == 0 then
        kind, is_well_formed = "alert", true
        subtree:add_proto_expert_info(e.alert)
    else
        local content = range(HEADER_SIZE, size):tvb()
        local side = from_client and "client" or "server"
        if suite ~= nil and is_first(connection, side, content, pinfo) then
            kind = from_client and "handshake 1" or "handshake 2"
            is_well_formed = (from_client and first_message or second_message)(subtree, content, suite)
        else
            kind, is_well_formed = "record", record(subtree, content)
        end
    end
    subtree:add(f.kind, kind):set_generated()
    subtree:append_text(string.format(", %s, %d bytes", kind, size))
    if not is_well_formed then
        subtree:add_proto_expert_info(e.malformed)
        kind = "malformed " .. kind
    end
    return string.format("%s (%d)", kind, size)
end

local function dissect_preface(range, pinfo, tree, connection)
    local subtree = tree:add(entrenous, range)
    subtree:add(f.magic, range(0, 4))
    subtree:add(f.version, range(4, 1))
    subtree:add(f.suite, range(5, 1))
    subtree:add(f.kind, "preface"):set_generated()
    local version, suite = range(4, 1):uint(), range(5, 1):uint()
    if not pinfo.visited then
        connection.client = sender_of(pinfo)
        connection.suite = suite
    end
    if version ~= VERSION or SUITES[suite] == nil then
        subtree:add_proto_expert_info(e.version)
    end
    subtree:append_text(", preface")
    return "preface, suite " .. (SUITE_NAMES[suite] or tostring(suite)):match("^[^:]+")
end

local function is_preface(tvb, place)
    return tvb:len() - place >= PREFACE_SIZE and tvb(place, #MAGIC):string() == MAGIC
end

function entrenous.dissector(tvb, pinfo, tree)
    local connection = connection_of(pinfo)
    local place, told = 0, {}
    pinfo.cols.protocol = "Entrenous"
    -- The preface opens the client's side, and a record's length may look like it later on.
    if is_preface(tvb, 0) and connection.first.client == nil or connection.preface == pinfo.number and is_preface(tvb, 0) then
        connection.preface = connection.preface or pinfo.number
        told[#told + 1] = dissect_preface(tvb(0, PREFACE_SIZE), pinfo, tree, connection)
        place = PREFACE_SIZE
    end
    local from_client = connection.client == sender_of(pinfo)
    while place < tvb:len() do
        local left = tvb:len() - place
        local size = left < HEADER_SIZE and HEADER_SIZE or HEADER_SIZE + tvb(place, HEADER_SIZE):uint()
        if left < size then
            pinfo.desegment_offset = place
            pinfo.desegment_len = left < HEADER_SIZE and DESEGMENT_ONE_MORE_SEGMENT or size - left
            break
        end
        told[#told + 1] = dissect_frame(tvb(place, size), pinfo, tree, connection, from_client)
        place = place + size
    end
    if #told > 0 then
        pinfo.cols.info = (from_client and "client: " or "server: ") .. table.concat(told, ", ")
    end
    return tvb:len()
end

local function heuristic(tvb, pinfo, tree)
    if not is_preface(tvb, 0) or tvb(4, 1):uint() ~= VERSION then
        return false
    end
    pinfo.conversation = entrenous
    entrenous.dissector(tvb, pinfo, tree)
    return true
end

entrenous:register_heuristic("tcp", heuristic)
DissectorTable.get("tcp.port"):add(PORT, entrenous)

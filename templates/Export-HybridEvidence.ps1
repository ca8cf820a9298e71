#@ONPREMISES@
# Export-HybridEvidence.ps1: what the hybrid onboarding auditor needs to know of Exchange on-premises.
#
# Run it in the Exchange Management Shell of Exchange 2010 or newer, as a member of
# "View-Only Organization Management":
#
#     .\Export-HybridEvidence.ps1
#
# It reads with the Get- commands listed below and writes to a new folder of its own, nothing else.
# The versions of ExSetup.exe are read with Invoke-Command or from the administrative share; where
# the account may do neither, that is noted and everything else is still exported. In a forest of
# several domains run "Set-ADServerSettings -ViewEntireForest $true" first: it concerns your window
# alone. Send the whole folder to the auditor, manifest.clixml included.
#
# -OutDir            folder to write to; it must not exist yet
# -ADPropertiesOnly  does not ask the web servers for the settings of virtual directories, for sites
#                    behind slow lines; their authentication methods then stay unknown
# -IncludePerMailbox asks about each mailbox by itself as well: its size, when its phones synchronised
#                    last, and who may open it. That takes seconds per mailbox, so hours for thousands
param(
    [string]$OutDir = ('hybrid-evidence-' + (Get-Date -Format 'yyyyMMdd-HHmmss')),
    [switch]$ADPropertiesOnly,
    [switch]$IncludePerMailbox
)
$side = 'Exchange on-premises'
#@ONLINE@
# Export-OnlineEvidence.ps1: what the hybrid onboarding auditor needs to know of Exchange Online.
#
# Run it in a PowerShell window (5.1 or 7) with the module ExchangeOnlineManagement 3.0 or newer,
# as a holder of the directory role Global Reader:
#
#     Connect-ExchangeOnline
#     .\Export-OnlineEvidence.ps1
#
# It reads with the Get- commands listed below and writes to a new folder of its own, nothing else.
# Send the whole folder to the auditor, manifest.clixml included.
#
# -OutDir            folder to write to; it must not exist yet
param(
    [string]$OutDir = ('online-evidence-' + (Get-Date -Format 'yyyyMMdd-HHmmss'))
)
$side = 'Exchange Online'
#@END@
$ErrorActionPreference = 'Continue'
$manifestVersion = 1
$errorsKept = 500
$script:plan = @()
#@ONPREMISES@
$script:mailboxes = New-Object System.Collections.ArrayList
#@END@

function Add-PlanItem([string]$Name, [string[]]$Cmdlets, [hashtable]$Parameters, [string[]]$Properties, [bool]$PerServer, [string]$PerMailbox) {
#@ONPREMISES@
    if ($PerMailbox -and -not $IncludePerMailbox) { return }
#@END@
    $item = New-Object PSObject
    $item | Add-Member NoteProperty Name $Name
    $item | Add-Member NoteProperty Cmdlets $Cmdlets
    $item | Add-Member NoteProperty Parameters $Parameters
    $item | Add-Member NoteProperty Properties $Properties
    $item | Add-Member NoteProperty PerServer $PerServer
    $item | Add-Member NoteProperty PerMailbox $PerMailbox
    $script:plan += $item
}

#@PLAN@

function Clear-Record {
    $script:state = 'ok'
    $script:count = 0
    $script:asked = 0
    $script:errors = @()
    $script:errorCount = 0
    $script:categories = @()
    $script:warnings = @()
    $script:missing = @()
    $script:used = @()
    $script:dropped = @()
}

function Add-Failure([string]$About, $Record) {
    if ($script:state -eq 'ok') { $script:state = 'errors' }
    $script:errorCount++
    if ($script:errors.Count -ge $errorsKept) { return }
    $text = "$Record"
    if ($About) { $text = $About + ': ' + $text }
    $script:errors += $text
    $category = ''
    if ($Record.CategoryInfo) { $category = $Record.CategoryInfo.Category.ToString() }
    $script:categories += $category
}

function Add-Warning([string]$About, $Record) {
    if ($script:warnings.Count -ge $errorsKept) { return }
    $text = "$Record"
    if ($Record.Message) { $text = $Record.Message }
    if ($About) { $text = $About + ': ' + $text }
    $script:warnings += $text
}

# The wanted properties of one object. A property that this version of Exchange lacks is left out
# and noted: Select-Object would invent it, empty.
$narrow = {
#@ONLINE@
    # over REST the objects of one command need not all carry the same properties
    $script:present = $null
#@END@
    if ($null -eq $script:present) {
        $given = @{}
        foreach ($property in $_.PSObject.Properties) { $given[$property.Name] = $true }
        $script:present = @()
        foreach ($asked in $script:wanted) {
#@ONPREMISES@
            if ($script:server -and $asked -eq 'Server') { continue }
            if ($script:mailbox -and $asked -eq 'AskedMailboxGuid') { continue }
#@END@
            if ($given.ContainsKey($asked)) { $script:present += $asked }
            elseif ($script:missing -notcontains $asked) { $script:missing += $asked }
        }
    }
    $narrowed = Select-Object -InputObject $_ -Property $script:present
#@ONPREMISES@
    if ($script:server) { $narrowed | Add-Member NoteProperty Server $script:server }
    if ($script:mailbox) { $narrowed | Add-Member NoteProperty AskedMailboxGuid $script:mailbox }
    if ($script:current -eq 'Get-Mailbox') { [void]$script:mailboxes.Add($_.Guid.ToString()) }
#@END@
    $script:count++
    if ($script:count % 500 -eq 0) {
        Write-Progress -Activity 'Exporting evidence' -Status ($script:current + ': ' + $script:count + ' objects')
    }
    $narrowed
}

function Read-Command([string]$Cmdlet, [hashtable]$Parameters, [string]$Server, [string]$Mailbox) {
    $script:server = $Server
    $script:mailbox = $Mailbox
    $about = $Server + $Mailbox
    $script:present = $null
    $failures = @()
    $warned = @()
    try {
        & $Cmdlet @Parameters -ErrorVariable failures -WarningVariable warned -ErrorAction SilentlyContinue -WarningAction SilentlyContinue | ForEach-Object $narrow
    } catch {
        # what ends the command for one mailbox does not end it for the others
        if (-not $Mailbox) { $script:state = 'failed' }
        Add-Failure $about $_
    }
    foreach ($failure in $failures) { if ($failure) { Add-Failure $about $failure } }
    foreach ($warning in $warned) { if ($warning) { Add-Warning $about $warning } }
}

#@ONPREMISES@
function Get-SetupPath([string]$Name, [string]$Fqdn) {
    $keys = 'SOFTWARE\Microsoft\ExchangeServer\v15\Setup', 'SOFTWARE\Microsoft\ExchangeServer\v14\Setup', 'SOFTWARE\Microsoft\Exchange\Setup'
    $local = $Name -eq [System.Environment]::MachineName
    if ($local) { $hive = [Microsoft.Win32.Registry]::LocalMachine }
    else { $hive = [Microsoft.Win32.RegistryKey]::OpenRemoteBaseKey([Microsoft.Win32.RegistryHive]::LocalMachine, $Fqdn) }
    foreach ($path in $keys) {
        $key = $hive.OpenSubKey($path)
        if (-not $key) { continue }
        $folder = $key.GetValue('MsiInstallPath')
        if (-not $folder) { continue }
        $file = [System.IO.Path]::Combine($folder, 'bin\ExSetup.exe')
        if (-not $local) { $file = '\\' + $Fqdn + '\' + $file.Replace(':', '$') }
        return $file
    }
    throw 'the registry does not say where Exchange is installed'
}

# The file version of ExSetup.exe is the only witness of rollups and security updates.
function Read-SetupVersion([string]$Name, [string]$Fqdn) {
    $script:server = $Name
    $script:mailbox = ''
    $script:present = $null
    $before = $script:count
    $failures = @()
    if ($Name -ne [System.Environment]::MachineName) {
        try {
            Invoke-Command -ComputerName $Fqdn -ScriptBlock { Get-Command ExSetup.exe | ForEach-Object { $_.FileVersionInfo } } -ErrorVariable failures -ErrorAction SilentlyContinue | ForEach-Object $narrow
        } catch {
            $failures = @($_)
        }
    }
    if ($script:count -gt $before) { return }
    try {
        [System.Diagnostics.FileVersionInfo]::GetVersionInfo((Get-SetupPath $Name $Fqdn)) | ForEach-Object $narrow
    } catch {
        foreach ($failure in $failures) { if ($failure) { Add-Failure $Name $failure } }
        Add-Failure $Name $_
    }
}

function Read-EachMailbox($Item, [string]$Cmdlet, [hashtable]$Parameters) {
    foreach ($each in $script:mailboxes) {
        if ($script:asked % 20 -eq 0) {
            $status = $script:current + ': mailbox ' + ($script:asked + 1) + ' of ' + $script:mailboxes.Count
            Write-Progress -Activity 'Exporting evidence' -Status $status -PercentComplete (100 * $script:asked / $script:mailboxes.Count)
        }
        $Parameters[$Item.PerMailbox] = $each
        Read-Command $Cmdlet $Parameters '' $each
        $script:asked++
    }
}

function Read-Item($Item, [string]$Cmdlet, [hashtable]$Parameters) {
    if ($Item.PerMailbox) {
        Read-EachMailbox $Item $Cmdlet $Parameters
        return
    }
    if (-not $Item.PerServer) {
        Read-Command $Cmdlet $Parameters '' ''
        return
    }
    if ($script:servers.Count -eq 0) {
        $script:state = 'failed'
        Add-Failure '' 'Get-ExchangeServer named no server to ask'
    }
    foreach ($each in $script:servers) {
        Write-Progress -Activity 'Exporting evidence' -Status ($script:current + ' of ' + $each.Name)
        if ($Item.Name -eq 'ExSetup') { Read-SetupVersion $each.Name $each.Fqdn }
        else {
            $Parameters['Server'] = $each.Name
            Read-Command $Cmdlet $Parameters $each.Name ''
        }
    }
}
#@ONLINE@
function Read-Item($Item, [string]$Cmdlet, [hashtable]$Parameters) {
    Read-Command $Cmdlet $Parameters '' ''
}
#@END@

function Get-Sha256([string]$Path) {
    try { $sha = New-Object System.Security.Cryptography.SHA256Managed }
    catch { $sha = New-Object System.Security.Cryptography.SHA256CryptoServiceProvider }
    $stream = [System.IO.File]::OpenRead($Path)
    try {
        $bytes = $sha.ComputeHash($stream)
        return ([System.BitConverter]::ToString($bytes).Replace('-', '').ToLower())
    } finally {
        $stream.Close()
    }
}

# The first of the commands that this session has; '' where it has none.
function Get-FirstKnown([string[]]$Cmdlets) {
    foreach ($cmdlet in $Cmdlets) {
        if (Get-Command $cmdlet -ErrorAction SilentlyContinue) { return $cmdlet }
    }
    return ''
}

# Parameters that this version does not know are dropped, and said so.
function Get-KnownParameters([string]$Cmdlet, [hashtable]$Parameters) {
    $asked = @{}
    foreach ($name in @($Parameters.Keys)) { $asked[$name] = $Parameters[$name] }
#@ONPREMISES@
    if ($ADPropertiesOnly -and $Cmdlet -like '*VirtualDirectory') { $asked['ADPropertiesOnly'] = $true }
#@END@
    $known = (Get-Command $Cmdlet).Parameters
    $kept = @{}
    foreach ($name in @($asked.Keys)) {
        if ($known -and -not $known.ContainsKey($name)) {
            $script:dropped += $name
        } else {
            $kept[$name] = $asked[$name]
            $script:used += ($name + '=' + $asked[$name])
        }
    }
    return $kept
}

function Export-Item($Item) {
    Clear-Record
    $script:current = $Item.Name
    $script:wanted = $Item.Properties
    $file = Join-Path $OutDir ($Item.Name + '.clixml')
    $cmdlet = $Item.Cmdlets[0]
    $parameters = @{}
    if ($Item.Name -ne 'ExSetup') {
        $cmdlet = Get-FirstKnown $Item.Cmdlets
        if ($cmdlet) { $parameters = Get-KnownParameters $cmdlet $Item.Parameters }
    }
    if ($cmdlet) {
        try {
            Read-Item $Item $cmdlet $parameters | Export-Clixml -Path $file -Depth 3 -Encoding UTF8
        } catch {
            $script:state = 'failed'
            Add-Failure '' $_
        }
    } else {
        $script:state = 'absent'
        $cmdlet = $Item.Cmdlets[0]
    }
    $record = New-Object PSObject
    $record | Add-Member NoteProperty Cmdlet $cmdlet
    $record | Add-Member NoteProperty State $script:state
    $record | Add-Member NoteProperty Count $script:count
    if ($Item.PerMailbox) { $record | Add-Member NoteProperty Asked $script:asked }
    $record | Add-Member NoteProperty Parameters @($script:used)
    $record | Add-Member NoteProperty DroppedParameters @($script:dropped)
    $record | Add-Member NoteProperty MissingProperties @($script:missing)
    $record | Add-Member NoteProperty ErrorCount $script:errorCount
    $record | Add-Member NoteProperty Errors @($script:errors)
    $record | Add-Member NoteProperty ErrorCategories @($script:categories)
    $record | Add-Member NoteProperty Warnings @($script:warnings)
    if (Test-Path $file) {
        $record | Add-Member NoteProperty File ($Item.Name + '.clixml')
        $sha = ''
        try { $sha = Get-Sha256 $file } catch { $sha = '' }
        $record | Add-Member NoteProperty Sha256 $sha
    }
    Write-Host ('{0,-38} {1,-8} {2,8}' -f $Item.Name, $script:state, $script:count)
    $record
}

function New-Header([int]$Commands) {
#@ONPREMISES@
    $view = $null
    try {
        if (Get-Command Get-ADServerSettings -ErrorAction SilentlyContinue) { $view = (Get-ADServerSettings).ViewEntireForest }
    } catch { $view = $null }
    $domains = $null
    try { $domains = [System.DirectoryServices.ActiveDirectory.Forest]::GetCurrentForest().Domains.Count } catch { $domains = $null }
#@END@
    $header = New-Object PSObject
    $header | Add-Member NoteProperty Tool 'Export-HybridEvidence'
    $header | Add-Member NoteProperty Version $manifestVersion
    $header | Add-Member NoteProperty Side $side
    $header | Add-Member NoteProperty Commands $Commands
    $header | Add-Member NoteProperty Computer ([System.Environment]::MachineName)
    $header | Add-Member NoteProperty ExportedUTC ([DateTime]::UtcNow.ToString('o'))
    $header | Add-Member NoteProperty PSVersion ($PSVersionTable.PSVersion.ToString())
    $header | Add-Member NoteProperty Culture ((Get-Culture).Name)
#@ONPREMISES@
    $header | Add-Member NoteProperty ViewEntireForest $view
    $header | Add-Member NoteProperty ForestDomains $domains
#@ONLINE@
    $header | Add-Member NoteProperty Organization $script:organization
#@END@
    $header
}

#@ONPREMISES@
if (-not (Get-Command Get-ExchangeServer -ErrorAction SilentlyContinue)) {
    throw 'There is no Get-ExchangeServer in this window: start the on-premises Exchange Management Shell and run the script there.'
}
#@ONLINE@
if (Get-Command Get-ExchangeServer -ErrorAction SilentlyContinue) {
    throw 'This window holds the commands of on-premises servers too: open another one, run Connect-ExchangeOnline and the script there.'
}
if (-not (Get-Command Get-ConnectionInformation -ErrorAction SilentlyContinue)) {
    throw 'There is no Get-ConnectionInformation in this window: install the module ExchangeOnlineManagement 3.0 or newer, run Connect-ExchangeOnline, then the script.'
}
# sessions of Security & Compliance have some of these commands as well, for other objects
$script:connections = @()
Get-ConnectionInformation | ForEach-Object {
    if ($_.State -eq 'Connected' -and -not $_.IsEopSession -and "$($_.ConnectionUri)" -notlike '*compliance*') { $script:connections += $_ }
}
if ($script:connections.Count -ne 1) {
    throw ('This window is connected to Exchange Online ' + $script:connections.Count + ' times, not once: run Disconnect-ExchangeOnline, Connect-ExchangeOnline, then the script.')
}
if ($script:connections[0].ModulePrefix) {
    throw 'This window is connected with -Prefix, so that the commands have other names: connect without it, then run the script.'
}
$script:organization = $script:connections[0].Organization
if (-not $script:organization) { $script:organization = "$($script:connections[0].TenantID)" }
#@END@
$OutDir = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($OutDir)
if ($OutDir -match '[\[\]*?`]') {
    throw ($OutDir + ' holds characters that PowerShell takes for wildcards: name another folder with -OutDir.')
}
if (Test-Path $OutDir) { throw ($OutDir + ' exists already: name a new folder with -OutDir.') }
New-Item -ItemType Directory -Path $OutDir | ForEach-Object { Write-Host ('Writing to ' + $_.FullName) }

#@ONPREMISES@
$script:servers = @()
try {
    Get-ExchangeServer -ErrorAction SilentlyContinue | ForEach-Object {
        if (-not $_.IsEdgeServer) { $script:servers += ($_ | Select-Object -Property @('Name', 'Fqdn')) }
    }
} catch { Write-Host ('Get-ExchangeServer: ' + $_) }

#@END@
$records = @()
foreach ($item in $script:plan) {
    Write-Progress -Activity 'Exporting evidence' -Status $item.Name -PercentComplete (100 * $records.Count / $script:plan.Count)
    $records += Export-Item $item
}
@(New-Header $records.Count) + $records | Export-Clixml -Path (Join-Path $OutDir 'manifest.clixml') -Depth 3 -Encoding UTF8
Write-Host ('Done. Send the whole folder: ' + $OutDir)

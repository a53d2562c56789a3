# From a dataset's archive to images ready for training.


localrules:
    download,


# What is wrong with the images is found in them: before the weights are fetched, and both before anything is computed.
FIRST, SECOND = 2, 1


rule download:
    output:
        source=output_of("download", "source"),
    log:
        log_of("download"),
    benchmark:
        benchmark_of("download")
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of("download"),
        runtime=minutes_of("download"),
    params:
        spec=spec_of("download"),
        catalogue=catalogue,
    shell:
        "python -m fgir download --spec {params.spec:q} --catalogue {params.catalogue:q} --out {output.source:q} 2>&1 | tee {log:q}"


rule manifest:
    input:
        unpack(inputs_of("manifest")),
    output:
        manifest=output_of("manifest", "manifest"),
    log:
        log_of("manifest"),
    benchmark:
        benchmark_of("manifest")
    priority: FIRST
    conda:
        ENVIRONMENT
    # More would wait for several cores to be free at once, and jobs of less priority take them one by one meanwhile.
    threads: 1
    resources:
        mem_mb=megabytes_of("manifest"),
        runtime=minutes_of("manifest"),
    params:
        spec=spec_of("manifest"),
    shell:
        "python -m fgir manifest --spec {params.spec:q} --source {input.source:q} "
        "--out {output.manifest:q} > {log:q} 2>&1"


rule split:
    input:
        unpack(inputs_of("split")),
    output:
        split=output_of("split", "split"),
    log:
        log_of("split"),
    benchmark:
        benchmark_of("split")
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=megabytes_of("split"),
        runtime=minutes_of("split"),
    params:
        spec=spec_of("split"),
    shell:
        "python -m fgir split --spec {params.spec:q} --manifest {input.manifest:q} "
        "--out {output.split:q} > {log:q} 2>&1"


rule pixels:
    input:
        unpack(inputs_of("pixels")),
    output:
        pixels=output_of("pixels", "pixels"),
    log:
        log_of("pixels"),
    benchmark:
        benchmark_of("pixels")
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem_mb=megabytes_of("pixels"),
        runtime=minutes_of("pixels"),
    params:
        spec=spec_of("pixels"),
    shell:
        "python -m fgir pixels --spec {params.spec:q} --source {input.source:q} --split {input.split:q} "
        "--threads {threads} --out {output.pixels:q} > {log:q} 2>&1"


rule ragged:
    input:
        unpack(inputs_of("ragged")),
    output:
        pixels=output_of("ragged", "pixels"),
    log:
        log_of("ragged"),
    benchmark:
        benchmark_of("ragged")
    conda:
        ENVIRONMENT
    threads: 2
    resources:
        mem_mb=megabytes_of("ragged"),
        runtime=minutes_of("ragged"),
    params:
        spec=spec_of("ragged"),
    shell:
        "python -m fgir pixels --spec {params.spec:q} --source {input.source:q} --split {input.split:q} "
        "--threads {threads} --out {output.pixels:q} > {log:q} 2>&1"
